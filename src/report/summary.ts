import { type Definition, field } from "../inputs/seeds.ts";
import { registrationAgent } from "../seed/services.ts";
import type { Node } from "./nodes.ts";
import type { ReadyCluster, ReadyDatacenter } from "./ready-cluster.ts";

/** Boxes of servers or of clients that the picture shows; with more of them nobody could read it.
 * Not fewer than there can be servers, one of whom leads. */
const maxBoxes = 15;

/**
 * The job summary of a cluster: a picture, its nodes as a table, and where the time went. Markdown.
 *
 * @param bars - the timeline, one line a phase
 */
export function summaryText(cluster: ReadyCluster, bars: readonly string[]): string {
  const { nodes, datacenters, version } = cluster;
  const leaders = datacenters.map(({ leader }) => leader);
  const rows = nodes.map(({ name, role, datacenter, ip, http }) => {
    const link = role === "server" ? `[${http}](${http}/ui)` : http;
    const part = `${role}${leaders.includes(name) ? ", leader" : ""}`;
    const where = datacenters.length > 1 ? ` ${datacenter} |` : "";
    return `| ${name} | ${part} |${where} ${ip} | ${link} |`;
  });
  const [column, rule] = datacenters.length > 1 ? [" datacenter |", " --- |"] : ["", ""];
  return [
    `### Consul ${version}: ${datacenters.map(({ name, leader }) => `datacenter \`${name}\`, led by \`${leader}\``).join("; ")}`,
    "",
    "```mermaid",
    ...diagramOf(cluster),
    "```",
    "",
    `| node | role |${column} address in the network | HTTP API |`,
    `| --- | --- |${rule} --- | --- |`,
    ...rows,
    "",
    "<details><summary>Where the time went</summary>",
    "",
    "```text",
    ...bars,
    "```",
    "",
    "</details>",
    "",
  ].join("\n");
}

/**
 * A Mermaid flowchart: every datacenter with its servers, the leader marked, its clients, and the
 * declared services on their nodes; between datacenters the WAN.
 */
function diagramOf(cluster: ReadyCluster): string[] {
  const { datacenters } = cluster;
  return [
    "flowchart TB",
    ...datacenters.flatMap((datacenter, index) => boxOf(datacenter, index, cluster)),
    // A chain shows that all are joined; a line for each pair would be a tangle.
    ...datacenters
      .slice(1)
      .map((_, index) => `${subgraphId(index)} <-->|WAN| ${subgraphId(index + 1)}`),
    ...datacenters.map(({ leader }) => `style ${leader} stroke-width:3px`),
  ];
}

const subgraphId = (index: number) => `datacenter${index === 0 ? "" : index + 1}`;

function boxOf({ name, leader }: ReadyDatacenter, index: number, cluster: ReadyCluster): string[] {
  const { nodes, plan, dns, grpc } = cluster;
  const prefix = index === 0 ? "" : `${subgraphId(index)}-`;
  const { services } = plan.spec.seeds;
  const box = (node: Node) => {
    const lines = [
      `<b>${node.name}</b>`,
      ...(node.name === leader ? ["★ leader"] : []),
      node.http,
      ...(node === nodes[0] ? [`DNS ${dns}`, `gRPC ${grpc}`] : []),
      ...services
        .filter((service) => registrationAgent(service, plan.agents).node === node.name)
        .map(({ value }) => `⬢ ${labelOf(value)}`),
    ];
    return `${node.name}["${lines.join("<br/>")}"]`;
  };
  const there = nodes.filter(({ datacenter }) => datacenter === name);
  const group = (role: string) => {
    const members = there.filter((node) => node.role === role);
    const hidden = members.length - maxBoxes;
    return members.length === 0
      ? []
      : [
          `  subgraph ${prefix}${role}s${prefix && `["${role}s"]`}`,
          ...members.slice(0, maxBoxes).map((node) => `    ${box(node)}`),
          ...(hidden > 0 ? [`    ${prefix}more-${role}s["and ${hidden} more"]`] : []),
          "  end",
        ];
  };
  const clients = group("client");
  return [
    `subgraph ${subgraphId(index)}["datacenter ${name}"]`,
    ...group("server"),
    ...clients,
    ...(clients.length > 0 ? [`  ${prefix}clients --> ${prefix}servers`] : []),
    "end",
  ];
}

/** A service's name as a label can show it: what could end the label or be markup is left out. */
const labelOf = (service: Definition) =>
  String(field(service, "name") ?? "").replaceAll(/[^\w .:/-]/g, "");
