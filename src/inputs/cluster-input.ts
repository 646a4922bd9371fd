import { posix } from "node:path";
import { messageOf, type Problem } from "../errors.ts";
import { type ClusterFile, type ParsedFile, parseClusterFile } from "./cluster-file.ts";
import { nodeAdvice } from "./file-nodes.ts";
import { problemAt } from "./file-problem.ts";
import type { NodeShape } from "./nodes.ts";
import { type Declared, type DeclaredService, field } from "./seeds.ts";
import { placeText, shortened, shown } from "./wording.ts";

/** Reads a file of the workspace. Throws the reason if it can't, without the path. */
export type ReadFile = (path: string) => Buffer;

/**
 * Reads the cluster file that the input `cluster` names or contains.
 *
 * @param text - the input: a path in the workspace, or the file's text, which contains a line break
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

/** A setting of a cluster file that can also be set by an input. */
interface FileSetting {
  readonly input: string;
  readonly path: readonly (string | number)[];
  readonly value: string;
}

function settingsOf({ placeOf: _, ...file }: ClusterFile): FileSetting[] {
  const setting = (
    input: string,
    path: FileSetting["path"],
    value: string | number | boolean | undefined,
  ) => (value === undefined ? [] : [{ input, path, value: String(value) }]);
  return [
    ...setting("version", ["version"], file.version),
    ...setting("image", ["image"], file.image),
    ...setting("datacenter", ["datacenters", 0, "name"], file.datacenters[0]?.name),
    ...file.datacenters.flatMap(({ servers, clients }, index) => [
      ...setting("servers", ["datacenters", index, "servers"], servers),
      ...setting("clients", ["datacenters", index, "clients"], clients),
    ]),
    ...setting("acl", ["acl"], file.acl),
    ...setting("gossip-encryption", ["gossip_encryption"], file.gossipEncryption),
    ...setting("tls", ["tls"], file.tls),
  ];
}

/**
 * Settings that have one value in the file and another in an input. An input at its default value
 * is ignored: the runner does not reveal whether the workflow set it.
 *
 * @param given - inputs that differ from their defaults, as text
 */
export function disagreements(file: ClusterFile, given: ReadonlyMap<string, string>): Problem[] {
  return settingsOf(file).flatMap(({ input, path, value }) => {
    const text = given.get(input);
    if (text === undefined || text.toLowerCase() === value.toLowerCase()) return [];
    const place = file.placeOf(...path);
    const message = `${placeText(place)}: \`${path.at(-1)}\` is ${value} here, but input \`${input}\` is ${text}: set it in one place only.`;
    return [{ input: "cluster", place, message }];
  });
}

/** Services whose node is not in the cluster. */
export function unknownNodes(
  services: readonly DeclaredService[],
  nodes: readonly NodeShape[],
): Problem[] {
  const names = nodes.map(({ node }) => node);
  return services.flatMap(({ name, place, node }) => {
    if (node === undefined || names.includes(node)) return [];
    const message = `${placeText(place)}: \`${name}\` is for node \`${shortened(node)}\`, which is not in this cluster; ${nodeAdvice(node, names)}`;
    return [{ input: "cluster", place, message }];
  });
}

/** Registrations with the catalog for nodes of the cluster itself. Consul ignores the case of names. */
export function agentsNodes(catalog: readonly Declared[], nodes: readonly NodeShape[]): Problem[] {
  return catalog.flatMap(({ name, place, value }) => {
    const wanted = String(field(value, "Node") ?? "").toLowerCase();
    const own = nodes.find(({ node }) => node === wanted);
    if (!own) return [];
    const message = `\`${name}\` is for a node of this cluster, whose agent removes what it did not register itself. Use \`services\` with \`node: ${own.node}\`, or another name for the node.`;
    return [problemAt(place, message)];
  });
}
