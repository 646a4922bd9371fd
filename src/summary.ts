import type { Node, ReadyCluster } from "./report.ts";

/** Boxes of servers or of clients that the picture shows; with more of them nobody could read it.
 * Not fewer than there can be servers, one of whom leads. */
const maxBoxes = 15;

/**
 * The job summary of a cluster: a picture, its nodes as a table, and where the time went. Markdown.
 *
 * @param bars - the timeline, one line a phase
 */
export function summaryOf(cluster: ReadyCluster, bars: readonly string[]): string {
  const { nodes, leader, version, plan } = cluster;
  const rows = nodes.map(({ name, role, ip, http }) => {
    const link = role === "server" ? `[${http}](${http}/ui)` : http;
    return `| ${name} | ${role}${name === leader ? ", leader" : ""} | ${ip} | ${link} |`;
  });
  return [
    `### Consul ${version}: datacenter \`${plan.spec.datacenter}\`, led by \`${leader}\``,
    "",
    "```mermaid",
    ...diagramOf(cluster),
    "```",
    "",
    "| node | role | address in the network | HTTP API |",
    "| --- | --- | --- | --- |",
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

/** A Mermaid flowchart of the datacenter: its servers, the leader marked, and its clients. */
function diagramOf({ nodes, leader, plan, dns, grpc }: ReadyCluster): string[] {
  const box = (node: Node) => {
    const lines = [
      `<b>${node.name}</b>`,
      ...(node.name === leader ? ["★ leader"] : []),
      node.http,
      ...(node === nodes[0] ? [`DNS ${dns}`, `gRPC ${grpc}`] : []),
    ];
    return `${node.name}["${lines.join("<br/>")}"]`;
  };
  const group = (role: string) => {
    const members = nodes.filter((node) => node.role === role);
    const hidden = members.length - maxBoxes;
    return members.length === 0
      ? []
      : [
          `  subgraph ${role}s`,
          ...members.slice(0, maxBoxes).map((node) => `    ${box(node)}`),
          ...(hidden > 0 ? [`    more-${role}s["and ${hidden} more"]`] : []),
          "  end",
        ];
  };
  const clients = group("client");
  return [
    "flowchart TB",
    `subgraph datacenter["datacenter ${plan.spec.datacenter}"]`,
    ...group("server"),
    ...clients,
    ...(clients.length > 0 ? ["  clients --> servers"] : []),
    "end",
    `style ${leader} stroke-width:3px`,
  ];
}
