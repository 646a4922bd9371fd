import { type Definition, field } from "../inputs/seeds.ts";
import { registrationAgent } from "../seed/services.ts";
import type { Node } from "./nodes.ts";
import type { ReadyCluster, ReadyDatacenter } from "./ready-cluster.ts";

/** Boxes of servers or of clients that the diagram shows; with more of them it could not be read.
 * Not fewer than there can be servers, one of which is the leader. */
const maxBoxes = 15;

/**
 * A Mermaid flowchart: each datacenter with its servers, the leader marked, its clients, and the
 * declared services on their nodes; between datacenters the WAN.
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
    // A chain is enough to show that all are joined; a line for each pair would be a tangle.
    ...datacenters.slice(1).map((_, index) => `dc${index + 1} <-->|WAN| dc${index + 2}`),
    ...leaders
      .filter((index) => index >= 0)
      .map((index) => `style ${nodeId(index)} stroke-width:3px`),
  ];
}

const nodeId = (index: number) => `node${index + 1}`;

function datacenterLines(
  { name, leader }: ReadyDatacenter,
  number: number,
  cluster: ReadyCluster,
): string[] {
  const group = (role: string) => {
    const members = cluster.nodes
      .map((node, index) => ({ node, id: nodeId(index) }))
      .filter(({ node }) => node.datacenter === name && node.role === role);
    const hidden = members.length - maxBoxes;
    return members.length === 0
      ? []
      : [
          `  subgraph dc${number}-${role}s["${role}s"]`,
          ...members
            .slice(0, maxBoxes)
            .map(({ node, id }) => `    ${id}["${boxText(node, leader, cluster)}"]`),
          ...(hidden > 0 ? [`    dc${number}-more-${role}s["and ${hidden} more"]`] : []),
          "  end",
        ];
  };
  const clients = group("client");
  return [
    `subgraph dc${number}["datacenter ${name}"]`,
    ...group("server"),
    ...clients,
    ...(clients.length > 0 ? [`  dc${number}-clients --> dc${number}-servers`] : []),
    "end",
  ];
}

function boxText(node: Node, leader: string, { nodes, plan, dns, grpc }: ReadyCluster): string {
  return [
    `<b>${node.name}</b>`,
    ...(node.name === leader ? ["★ leader"] : []),
    node.http,
    ...(node === nodes[0] ? [`DNS ${dns}`, `gRPC ${grpc}`] : []),
    ...plan.spec.seeds.services
      .filter((service) => registrationAgent(service, plan.agents).node === node.name)
      .map(({ value }) => `⬢ ${boxLabel(value)}`),
  ].join("<br/>");
}

/** A service's name, without characters that could end the label or be markup. */
const boxLabel = (service: Definition) =>
  String(field(service, "name") ?? "").replaceAll(/[^\w .:/-]/g, "");
