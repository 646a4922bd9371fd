import { parseImage } from "../docker/image-reference.ts";
import type { Problem } from "../errors.ts";
import type { ClusterFile } from "./cluster-file.ts";
import { type ClusterSpec, portNames } from "./cluster-spec.ts";
import { inputs, type Texts } from "./input-definitions.ts";
import { hintOf } from "./input-schema.ts";
import { shown } from "./wording.ts";

/** The inputs that are not at their defaults. */
export function given(texts: Texts): Texts {
  return new Map([...texts].filter(([name, text]) => text !== hintOf(inputs, name).default));
}

// The checks below judge inputs together. They parse what they need on their own, so that
// their problems are reported even where another input is refused.

export function samePorts(texts: Texts): Problem[] {
  const ports = portNames.map((name) => {
    const input = `${name}-port` as const;
    return { input, port: inputs.shape[input].safeParse(texts.get(input)).data };
  });
  return ports.flatMap(({ input, port }, index) => {
    const same = ports.slice(0, index).find((earlier) => earlier.port === port);
    if (!same || !port) return [];
    const message = `Inputs \`${same.input}\` and \`${input}\` are both ${port}: each needs a port of its own. Use 0 for any free port.`;
    return [{ input, message }];
  });
}

export function versionAgainstImage(texts: Texts, file: ClusterFile | undefined): Problem[] {
  const said = given(texts);
  const version = file?.version ?? inputs.shape.version.safeParse(said.get("version")).data;
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
      message: `${first} is ${shown(version)}, but ${second} is ${shown(text)}, which fixes it already: leave \`version\` out, or the tag and digest.`,
    },
  ];
}

export function memoryOfSeveral(texts: Texts, spec: ClusterSpec | undefined): Problem[] {
  const storage = inputs.shape.storage.safeParse(texts.get("storage")).data;
  const own = inputs.shape.servers.safeParse(texts.get("servers")).data ?? 1;
  const servers = Math.max(...(spec?.datacenters.map((each) => each.servers) ?? [own]));
  if (storage !== "memory" || servers === 1) return [];
  const message = `Input \`storage\` is "memory", but \`servers\` is ${servers}: Consul keeps its data in memory in \`-dev\` mode only, where every server elects itself alone, so several would never be one cluster. Use \`storage: disk\` or \`servers: 1\`.`;
  return [{ input: "storage", message }];
}

export function warningsOf({ datacenters }: ClusterSpec): string[] {
  const agents = datacenters.reduce((sum, { servers, clients }) => sum + servers + clients, 0);
  return [
    ...datacenters
      .filter(({ servers }) => servers % 2 === 0)
      .map(({ name, servers }) => evenServers(servers, datacenters.length > 1 ? name : "")),
    ...(agents > maxNeighborly ? [manyAgents(agents)] : []),
  ];
}

function evenServers(servers: number, datacenter: string): string {
  const survived = (count: number) => Math.ceil(count / 2) - 1;
  const where = datacenter === "" ? "" : ` in datacenter ${datacenter}`;
  return `Input \`servers\` is ${servers}${where}, an even number: a quorum of ${servers} servers is ${servers / 2 + 1}, so the cluster survives the loss of ${survived(servers)}, no more than with ${servers - 1}.`;
}

/** Every agent gets to know every other, and Linux keeps 1024 neighbors unless told otherwise. */
const maxNeighborly = 32;

function manyAgents(agents: number): string {
  return `The cluster is to have ${agents} agents: with more than ${maxNeighborly} Linux's table of neighbors overflows, packets are lost and members are taken for failed, unless net.ipv4.neigh.default.gc_thresh3 is raised in an earlier step (\`sudo sysctl -w net.ipv4.neigh.default.gc_thresh3=16384\`).`;
}
