import { diagramOf } from "./diagram.ts";
import { codeSpan, folded, table, textBox } from "./markdown.ts";
import type { Node } from "./nodes.ts";
import type { ReadyCluster, ReadyDatacenter } from "./ready-cluster.ts";
import { seededTable } from "./seeded.ts";

/** Nodes of which the table is shown at once. With more, it takes a click. */
const maxRows = 12;

/**
 * The job summary of a cluster in Markdown: a diagram, a table of its nodes, what the cluster file has
 * declared, and the timeline.
 *
 * @param bars - the timeline, one line per phase
 */
export function summaryText(cluster: ReadyCluster, bars: readonly string[]): string {
  const { nodes, datacenters, versions, plan } = cluster;
  const where = datacenters.map(
    ({ name, leader }) => `datacenter \`${name}\`, leader \`${leader}\``,
  );
  const rows = nodeTable(nodes, datacenters);
  return [
    `### Consul ${versions.join(" and ")}: ${where.join("; ")}`,
    "",
    "```mermaid",
    ...diagramOf(cluster),
    "```",
    "",
    ...(nodes.length > maxRows ? folded(`All ${nodes.length} nodes`, rows) : rows),
    "",
    ...seededTable(plan.spec.seeds, plan.agents),
    ...folded("Where the time went", textBox(bars)),
    "",
  ].join("\n");
}

/**
 * A table of nodes in Markdown. The addresses are text: a link to the runner's loopback leads nowhere,
 * and the job may be over.
 */
export function nodeTable(
  nodes: readonly Node[],
  datacenters: readonly Pick<ReadyDatacenter, "leader">[],
): string[] {
  const leaders = datacenters.map(({ leader }) => leader);
  const isSeveral = datacenters.length > 1;
  const rows = nodes.map(({ name, role, datacenter, ip, http }) => [
    name,
    `${role}${leaders.includes(name) ? ", leader" : ""}`,
    ...(isSeveral ? [datacenter] : []),
    ip,
    codeSpan(http),
  ]);
  const columns = [
    "node",
    "role",
    ...(isSeveral ? ["datacenter"] : []),
    "network address",
    "HTTP API",
  ];
  return table(
    columns.map((name) => [name, "left"] as const),
    rows,
  );
}
