import { type ClusterPlan, imageOf } from "../plan/plan.ts";
import { diagramOf } from "./diagram.ts";
import { codeSpan, firstOfMany, folded, table, textBox } from "./markdown.ts";
import type { Node } from "./nodes.ts";
import type { ReadyCluster, ReadyDatacenter } from "./ready-cluster.ts";
import { seededTable } from "./seeded.ts";

/** Nodes of which the table is shown at once. With more, it takes a click. */
const maxRows = 12;
/** Images that are named. */
const maxImages = 4;

/**
 * The job summary of a cluster in Markdown: the images, a diagram, a table of its nodes, what the cluster
 * file has declared, and the timeline.
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
    imagesLine(plan),
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

/** What the agents run: which registry an image came from shows in its name only. */
function imagesLine(plan: ClusterPlan): string {
  const images = new Set(plan.agents.map((agent) => imageOf(plan, agent).image.reference));
  const names = firstOfMany([...images].map(codeSpan), maxImages);
  return `${images.size === 1 ? "Image" : "Images"}: ${names}`;
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
