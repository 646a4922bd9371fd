import * as core from "@actions/core";
import { datacentersOf } from "../find/raft.ts";
import { writeSummary } from "../report/job-summary.ts";
import { foundNode } from "../report/nodes.ts";
import { clientAddressOf } from "../report/report.ts";
import { nodeTable } from "../report/summary.ts";
import { writeCommandFile } from "../runner/command-files.ts";
import type { Change } from "./changes.ts";
import { firstOf, type ScaleStep } from "./step.ts";

/** The outputs, in the order of scale/action.yml. */
export const scaleOutputNames = [
  "nodes",
  "leader",
  "datacenters",
  "client-address",
  "added",
  "removed",
] as const;

type Outputs = Record<(typeof scaleOutputNames)[number], string>;

/**
 * Reports the cluster as it is now: those outputs of the main action that can have changed, and a summary.
 *
 * @throws ActionError if the outputs can't be written
 */
export async function reportScale({ cluster, datacenter, done }: ScaleStep): Promise<void> {
  const nodes = cluster.agents.map(foundNode);
  const datacenters = (await datacentersOf(cluster)).map(({ name, agents, raft }) => ({
    name,
    http: firstOf(agents).http,
    leader: raft.leader,
  }));
  const { added, removed } = namesIn(done);
  const outputs: Outputs = {
    nodes: JSON.stringify(nodes),
    leader: datacenters[0]?.leader ?? "",
    datacenters: JSON.stringify(datacenters),
    "client-address": clientAddressOf(nodes),
    added: JSON.stringify(added),
    removed: JSON.stringify(removed),
  };
  writeCommandFile(() => {
    for (const [output, value] of Object.entries(outputs)) core.setOutput(output, value);
  });
  if (done.length === 0) return;
  const title = `### Datacenter \`${datacenter}\`: ${changesText(done)}`;
  await writeSummary([title, "", ...nodeTable(nodes, datacenters), ""].join("\n"));
}

const namesIn = (changes: readonly Change[]) => ({
  added: changes.flatMap((change) => (change.kind === "add" ? [change.shape.node] : [])),
  removed: changes.flatMap((change) => (change.kind === "remove" ? [change.node] : [])),
});

/** What was done, in a few words. */
export function changesText(changes: readonly Change[]): string {
  const { added, removed } = namesIn(changes);
  return [
    ...(added.length > 0 ? [`added ${added.join(", ")}`] : []),
    ...(removed.length > 0 ? [`removed ${removed.join(", ")}`] : []),
  ].join("; ");
}
