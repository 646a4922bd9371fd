import { diagramOf } from "./diagram.ts";
import type { Node } from "./nodes.ts";
import type { ReadyCluster, ReadyDatacenter } from "./ready-cluster.ts";

/**
 * The job summary of a cluster in Markdown: a diagram, a table of its nodes, and the timeline.
 *
 * @param bars - the timeline, one line per phase
 */
export function summaryText(cluster: ReadyCluster, bars: readonly string[]): string {
  const { nodes, datacenters, versions } = cluster;
  return [
    `### Consul ${versions.join(" and ")}: ${datacenters.map(({ name, leader }) => `datacenter \`${name}\`, leader \`${leader}\``).join("; ")}`,
    "",
    "```mermaid",
    ...diagramOf(cluster),
    "```",
    "",
    ...nodeTable(nodes, datacenters),
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

/** A table of nodes in Markdown. */
export function nodeTable(
  nodes: readonly Node[],
  datacenters: readonly Pick<ReadyDatacenter, "leader">[],
): string[] {
  const leaders = datacenters.map(({ leader }) => leader);
  const rows = nodes.map(({ name, role, datacenter, ip, http }) => {
    const link = role === "server" ? `[${http}](${http}/ui)` : http;
    const roleText = `${role}${leaders.includes(name) ? ", leader" : ""}`;
    const cell = datacenters.length > 1 ? ` ${datacenter} |` : "";
    return `| ${name} | ${roleText} |${cell} ${ip} | ${link} |`;
  });
  const [column, rule] = datacenters.length > 1 ? [" datacenter |", " --- |"] : ["", ""];
  return [
    `| node | role |${column} network address | HTTP API |`,
    `| --- | --- |${rule} --- | --- |`,
    ...rows,
  ];
}
