import type { Datacenter, Role } from "../inputs/cluster-spec.ts";
import { type Definition, field } from "../inputs/seeds.ts";
import { registrationAgent } from "../seed/services.ts";
import type { Node } from "./nodes.ts";
import type { ReadyCluster, ReadyDatacenter } from "./ready-cluster.ts";

/**
 * Nodes of one role in one datacenter that are drawn one by one. Of more servers, only the leader and
 * the one with the cluster's addresses are; of more clients none, and one box has their number: a
 * dozen boxes in a row can't be read.
 */
const maxDrawn: Readonly<Record<Role, number>> = { server: 7, client: 6 };
/** Services that one box names. */
const maxServices = 5;

/**
 * A Mermaid flowchart: each datacenter with its servers, the leader marked, its clients, and the
 * declared services on their nodes; between datacenters the WAN and peerings.
 *
 * All ids are made of our own words and numbers, and all names are in quoted labels: a datacenter
 * may be called `end` or `style`, which are Mermaid's keywords.
 */
export function diagramOf(cluster: ReadyCluster): string[] {
  const { datacenters, nodes } = cluster;
  const leaders = datacenters.map(({ leader }) => nodes.findIndex(({ name }) => name === leader));
  return [
    "flowchart TB",
    ...datacenters.flatMap((datacenter, index) => datacenterLines(datacenter, index + 1, cluster)),
    ...linksOf(cluster.plan.spec.datacenters),
    ...leaders
      .filter((index) => index >= 0)
      .map((index) => `style ${nodeId(index)} stroke-width:3px`),
  ];
}

function linksOf(datacenters: readonly Pick<Datacenter, "name" | "federation" | "dials">[]) {
  const groupId = (name: string) => `dc${datacenters.findIndex((each) => each.name === name) + 1}`;
  const federations = Map.groupBy(datacenters, ({ federation }) => federation).values();
  return [
    // A chain is enough to show that all are joined; a line for each pair would be a tangle.
    ...[...federations].flatMap((joined) =>
      joined
        .slice(1)
        .map(
          ({ name }, index) => `${groupId(joined[index]?.name ?? "")} <-->|WAN| ${groupId(name)}`,
        ),
    ),
    ...datacenters.flatMap(({ name, dials }) =>
      dials.map((acceptor) => `${groupId(name)} <-.->|peering| ${groupId(acceptor)}`),
    ),
  ];
}

const nodeId = (index: number) => `node${index + 1}`;

function datacenterLines(
  datacenter: ReadyDatacenter,
  number: number,
  cluster: ReadyCluster,
): string[] {
  const group = (role: Role) => {
    const boxes = boxesOf(datacenter, role, cluster);
    const line = ({ id, text }: Box) => `    ${id || `dc${number}-more-${role}s`}["${text}"]`;
    return boxes.length === 0
      ? []
      : [
          `  subgraph dc${number}-${role}s["${role}s"]`,
          "    direction TB",
          ...boxes.map(line),
          "  end",
        ];
  };
  const clients = group("client");
  return [
    `subgraph dc${number}["datacenter ${datacenter.name}"]`,
    // Without it, Mermaid turns by 90 degrees what is in a subgraph: all nodes would be in one row.
    "  direction TB",
    ...group("server"),
    ...clients,
    ...(clients.length > 0 ? [`  dc${number}-clients --> dc${number}-servers`] : []),
    "end",
  ];
}

interface Box {
  /** Empty for the box of many nodes. */
  readonly id: string;
  readonly text: string;
}

function boxesOf({ name, leader }: ReadyDatacenter, role: Role, cluster: ReadyCluster): Box[] {
  const members = cluster.nodes
    .map((node, index) => ({ node, id: nodeId(index) }))
    .filter(({ node }) => node.datacenter === name && node.role === role);
  const isDrawn = (node: Node) =>
    members.length <= maxDrawn[role] || node.name === leader || node === cluster.nodes[0];
  const rest = members.filter(({ node }) => !isDrawn(node)).map(({ node }) => node);
  return [
    ...members
      .filter(({ node }) => isDrawn(node))
      .map(({ node, id }) => ({ id, text: boxText(node, leader, cluster) })),
    ...(rest.length > 0 ? [{ id: "", text: restText(rest, members.length, cluster) }] : []),
  ];
}

function boxText(node: Node, leader: string, cluster: ReadyCluster): string {
  const { nodes, dns, grpc } = cluster;
  return [
    `<b>${node.name}</b>`,
    ...(node.name === leader ? ["★ leader"] : []),
    node.http,
    ...(node === nodes[0] ? [`DNS ${dns}`, `gRPC ${grpc}`] : []),
    ...servicesText([node], cluster),
  ].join("<br/>");
}

/** Many nodes of a role as one box. @param all - how many there are with those in boxes of their own */
function restText(rest: readonly Node[], all: number, cluster: ReadyCluster): string {
  const [first, last] = [rest[0], rest.at(-1)];
  const isAll = rest.length === all;
  return [
    `<b>${rest.length}${isAll ? "" : " more"} ${first?.role}s</b>`,
    ...(isAll ? [`${first?.name}`, `to ${last?.name}`] : []),
    ...servicesText(rest, cluster),
  ].join("<br/>");
}

/** The declared services that these nodes have: each name once, with how many nodes have it. */
function servicesText(nodes: readonly Node[], { plan }: ReadyCluster): string[] {
  const counts = new Map<string, number>();
  for (const service of plan.spec.seeds.services) {
    const { node } = registrationAgent(service, plan.agents);
    const name = boxLabel(service.value);
    if (nodes.some((each) => each.name === node)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const names = [...counts].map(([name, count]) => (count > 1 ? `${name} ×${count}` : name));
  const shown = names.length > maxServices + 1 ? names.slice(0, maxServices) : names;
  const hidden = names.length - shown.length;
  return [
    ...shown.map((name) => `⬢ ${name}`),
    ...(hidden > 0 ? [`and ${hidden} more services`] : []),
  ];
}

/** A service's name, without characters that could end the label or be markup. */
const boxLabel = (service: Definition) =>
  String(field(service, "name") ?? "").replaceAll(/[^\w .:/-]/g, "");
