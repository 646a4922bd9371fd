import { posix } from "node:path";
import { messageOf, type Problem } from "../errors.ts";
import { type ClusterFile, type ParsedFile, parseClusterFile } from "./cluster-file.ts";
import type { NodeShape } from "./nodes.ts";
import type { DeclaredService } from "./seeds.ts";
import { nearest, placeText, shortened, shown } from "./wording.ts";

/** Reads a file of the workspace. Throws the reason if it can't, without the path. */
export type ReadFile = (path: string) => Buffer;

/**
 * The cluster file that the input `cluster` names or is.
 *
 * @param text - the input: a path in the workspace, or the file's text, which has a line break
 *   or a `{`; empty for no file
 */
export function readCluster(text: string, readFile: ReadFile): ParsedFile {
  if (text === "") return { file: undefined, problems: [], secrets: [] };
  if (/[\n{]/.test(text)) return parseClusterFile({ text, name: "Input `cluster`", readFile });
  const folder = posix.dirname(text);
  const near = (path: string) => readFile(posix.isAbsolute(path) ? path : posix.join(folder, path));
  let bytes: Buffer;
  try {
    bytes = readFile(text);
  } catch (error) {
    const message = `Input \`cluster\` is ${shown(text)}, which can't be read: ${messageOf(error)}. Give the path of a file, relative to the workspace's root (is the repository checked out?), or the YAML itself.`;
    return { file: undefined, problems: [{ input: "cluster", message }], secrets: [] };
  }
  return parseClusterFile({ text: bytes.toString("utf8"), name: text, path: text, readFile: near });
}

/** What a cluster file says about a matter that an input is about too. */
interface Said {
  readonly input: string;
  readonly path: readonly (string | number)[];
  readonly value: string;
}

function saidBy({ placeOf: _, ...file }: ClusterFile): Said[] {
  const said = (input: string, path: Said["path"], value: string | number | boolean | undefined) =>
    value === undefined ? [] : [{ input, path, value: String(value) }];
  return [
    ...said("version", ["version"], file.version),
    ...said("image", ["image"], file.image),
    ...said("datacenter", ["datacenters", 0, "name"], file.datacenters[0]?.name),
    ...file.datacenters.flatMap(({ servers, clients }, index) => [
      ...said("servers", ["datacenters", index, "servers"], servers),
      ...said("clients", ["datacenters", index, "clients"], clients),
    ]),
    ...said("acl", ["acl"], file.acl),
    ...said("gossip-encryption", ["gossip_encryption"], file.gossipEncryption),
    ...said("tls", ["tls"], file.tls),
  ];
}

/**
 * Where file and inputs say different things about the same matter. An input at its default says
 * nothing: the runner does not tell whether the workflow set it.
 *
 * @param given - inputs that differ from their defaults, as text
 */
export function disagreements(file: ClusterFile, given: ReadonlyMap<string, string>): Problem[] {
  return saidBy(file).flatMap(({ input, path, value }) => {
    const text = given.get(input);
    if (text === undefined || text.toLowerCase() === value.toLowerCase()) return [];
    const place = file.placeOf(...path);
    const message = `${placeText(place)}: \`${path.at(-1)}\` is ${value} here, but input \`${input}\` is ${text}: say it in one place.`;
    return [{ input: "cluster", place, message }];
  });
}

/** Services that are to be registered with a node that the cluster does not have. */
export function unknownNodes(
  services: readonly DeclaredService[],
  nodes: readonly NodeShape[],
): Problem[] {
  const names = nodes.map(({ node }) => node);
  return services.flatMap(({ name, place, node }) => {
    if (node === undefined || names.includes(node)) return [];
    const near = nearest(node, names);
    const advice =
      near === undefined ? `the nodes are ${names.join(", ")}.` : `did you mean \`${near}\`?`;
    const message = `${placeText(place)}: \`${name}\` is for node \`${shortened(node)}\`, which this cluster does not have; ${advice}`;
    return [{ input: "cluster", place, message }];
  });
}
