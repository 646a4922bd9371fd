import { type ImageReference, parseImage } from "../docker/image-reference.ts";
import type { Problem } from "../errors.ts";
import { counted } from "../errors.ts";
import { agentPorts } from "./agent-defaults.ts";
import type { ClusterFile } from "./cluster-file.ts";
import { type ClusterSpec, type PortDefaults, type PortName, portNames } from "./cluster-spec.ts";
import { versionMistake } from "./consul-tag.ts";
import { inputs, type Texts } from "./input-definitions.ts";
import { hintOf } from "./input-schema.ts";
import { clientsAllowed, maxClientsOnEngine } from "./limits.ts";
import type { Shape } from "./nodes.ts";
import { pathText, placeText, shown } from "./wording.ts";

/** The inputs that differ from their defaults. */
export function changedInputs(texts: Texts): Texts {
  return new Map([...texts].filter(([name, text]) => text !== hintOf(inputs, name).default));
}

// The checks below compare inputs. Each parses what it needs, so that its problems are reported
// even if another input is refused.

/**
 * The port that is published for an API of the first server; 0 means any free one.
 *
 * @param given - by its own input
 * @param otherwise - the input `ports`
 */
export const portOf = (name: PortName, given: number | undefined, otherwise: PortDefaults) =>
  given ?? (otherwise === "auto" ? 0 : agentPorts[name]);

export function samePorts(texts: Texts): Problem[] {
  const otherwise = inputs.shape.ports.safeParse(texts.get("ports")).data ?? "auto";
  const ports = portNames.map((name) => {
    const input = `${name}-port` as const;
    const given = inputs.shape[input].safeParse(texts.get(input));
    return { input, port: given.success ? portOf(name, given.data, otherwise) : undefined };
  });
  return ports.flatMap(({ input, port }, index) => {
    const same = ports.slice(0, index).find((earlier) => earlier.port === port);
    if (!same || !port) return [];
    const message = `Inputs \`${same.input}\` and \`${input}\` are both ${port}: use different ports, 0 for any free port, or \`ports: auto\`.`;
    return [{ input, message }];
  });
}

export function versionAgainstImage(texts: Texts, file: ClusterFile | undefined): Problem[] {
  const changed = changedInputs(texts);
  const version = file?.version ?? inputs.shape.version.safeParse(changed.get("version")).data;
  const text = file?.image ?? texts.get("image") ?? "";
  const reference = parseImage(text);
  const fixed = reference?.tag ?? reference?.digest;
  if (version === undefined || fixed === undefined || version === reference?.tag) return [];
  const [first, second] = [
    `${file?.version === undefined ? "Input" : "The cluster file's"} \`version\``,
    `${file?.image === undefined ? "" : "the file's "}\`image\``,
  ];
  return [
    {
      input: "version",
      message: `${first} is ${shown(version)}, but ${second} is ${shown(text)}, which already sets the version: remove \`version\`, or the tag and digest.`,
    },
  ];
}

/** A version that Consul's own image, named by the input `image`, can't have. */
export function wrongVersion(texts: Texts): Problem[] {
  const image = parseImage(texts.get("image") ?? "");
  const mistake = image && untaggedMistake(image, texts.get("version") ?? "");
  return mistake ? [{ input: "version", message: `Input \`version\` ${mistake}` }] : [];
}

/** The same, if version or image are in the cluster file, and for nodes with a version of their own. */
export function wrongVersionInFile(file: ClusterFile | undefined, texts: Texts): Problem[] {
  const image = parseImage(file?.image ?? texts.get("image") ?? "");
  if (!file || !image) return [];
  const wrong = (path: readonly string[], mistake: string | undefined): Problem[] => {
    if (mistake === undefined) return [];
    const place = file.placeOf(...path);
    const message = `${placeText(place)}: \`${pathText(path)}\` ${mistake}`;
    return [{ input: "cluster", place, message }];
  };
  // A node's version takes the place of the image's tag.
  const ofNodes = [...file.nodes].flatMap(([node, { version }]) =>
    wrong(["nodes", node, "version"], version && versionMistake(image.repository, version)),
  );
  return [...wrong(["version"], file.version && untaggedMistake(image, file.version)), ...ofNodes];
}

const untaggedMistake = ({ repository, tag, digest }: ImageReference, version: string) =>
  tag || digest ? undefined : versionMistake(repository, version);

export function versionTwice(path: string, version: string): Problem[] {
  const { default: standard } = hintOf(inputs, "version");
  if (path === "" || version === standard) return [];
  const message = `Input \`version-file\` is ${shown(path)}, and \`version\` is ${shown(version)}: set only one of them.`;
  return [{ input: "version-file", message }];
}

export function memoryOfSeveral(texts: Texts, spec: ClusterSpec | undefined): Problem[] {
  const storage = inputs.shape.storage.safeParse(texts.get("storage")).data;
  const single = inputs.shape.servers.safeParse(texts.get("servers")).data ?? 1;
  const servers = Math.max(...(spec?.datacenters.map((each) => each.servers) ?? [single]));
  if (storage !== "memory" || servers === 1) return [];
  const message = `Input \`storage\` is "memory", but \`servers\` is ${servers}: Consul stores data in memory only in \`-dev\` mode, in which a server elects itself, so several servers never form one cluster. Use \`storage: disk\` or \`servers: 1\`.`;
  return [{ input: "storage", message }];
}

/** More clients than the engines take. */
export function manyClients(texts: Texts, file: ClusterFile | undefined): Problem[] {
  const most = clientsOn(inputs.shape.engines.safeParse(texts.get("engines")).data?.length);
  const single = inputs.shape.clients.safeParse(texts.get("clients")).data ?? 0;
  const ofFile = (file?.datacenters ?? []).flatMap(({ clients = 0 }, index): Problem[] => {
    if (!file || clients <= most) return [];
    const path = ["datacenters", index, "clients"] as const;
    const place = file.placeOf(...path);
    const message = `${placeText(place)}: \`${pathText(path)}\` is ${clients}: it must be ${clientsAllowed}.`;
    return [{ input: "cluster", place, message }];
  });
  if (single <= most) return ofFile;
  const { allowed, example } = hintOf(inputs, "clients");
  const message = `Input \`clients\` is "${single}": it must be ${allowed}. For example: \`clients: ${example}\`.`;
  return [{ input: "clients", message }, ...ofFile];
}

/** How many clients a datacenter may have. @param engines - 0 if it is on the one in use */
export const clientsOn = (engines = 0) => maxClientsOnEngine * Math.max(1, engines);

export function warningsOf({
  datacenters,
  engines = [],
}: {
  readonly datacenters: readonly Shape[];
  readonly engines?: readonly string[];
}): string[] {
  const agents = datacenters.reduce((sum, { servers, clients }) => sum + servers + clients, 0);
  // Each machine's table has the neighbors of its own agents.
  const onOne = Math.ceil(agents / Math.max(1, engines.length));
  return [
    ...(engines.length > 0
      ? datacenters.flatMap((each) => quorumOnOne(each, engines.length, datacenters.length > 1))
      : []),
    ...datacenters
      .filter(({ servers }) => servers % 2 === 0)
      .map(({ name, servers }) => evenServers(servers, datacenters.length > 1 ? name : "")),
    ...(agents * onOne > maxAgentsByDefault ** 2 ? [manyAgents(agents, engines)] : []),
  ];
}

/** A warning if one engine has so many servers that the others are no quorum. */
function quorumOnOne({ name, servers }: Shape, engines: number, isOneOfSeveral: boolean): string[] {
  const quorum = Math.floor(servers / 2) + 1;
  const left = servers - Math.ceil(servers / engines);
  if (left >= quorum) return [];
  const location = isOneOfSeveral ? ` of datacenter ${name}` : "";
  const advice =
    engines === 2
      ? "With two engines that is always so: use three."
      : `Use ${servers < 3 ? 3 : servers + 1} servers for ${counted(engines, "engine")}.`;
  return [
    `The loss of one engine loses the quorum${location}: ${counted(left, "server")} of ${servers} would be left, and the quorum is ${quorum}. ${advice}`,
  ];
}

function evenServers(servers: number, datacenter: string): string {
  const survived = (count: number) => Math.ceil(count / 2) - 1;
  const location = datacenter === "" ? "" : ` in datacenter ${datacenter}`;
  return `Input \`servers\` is ${servers}${location}, an even number: the quorum is ${servers / 2 + 1}, so the cluster tolerates ${counted(survived(servers), "failed server")}, no more than with ${counted(servers - 1, "server")}.`;
}

/** Every agent talks to every other, and Linux keeps 1024 neighbors by default. */
const maxAgentsByDefault = 32;

function manyAgents(agents: number, engines: readonly string[]): string {
  if (engines.length > 0)
    return `The cluster has ${agents} agents on ${counted(engines.length, "engine")}. Linux's neighbor table on each of their machines overflows, packets are lost, and gossip marks members as failed, unless an earlier step raises net.ipv4.neigh.default.gc_thresh3 on every machine, ${engines.join(", ")}: \`sudo sysctl -w net.ipv4.neigh.default.gc_thresh3=16384\`.`;
  return `The cluster has ${agents} agents. With more than ${maxAgentsByDefault}, Linux's neighbor table overflows, packets are lost, and gossip marks members as failed, unless an earlier step raises net.ipv4.neigh.default.gc_thresh3 (\`sudo sysctl -w net.ipv4.neigh.default.gc_thresh3=16384\`).`;
}
