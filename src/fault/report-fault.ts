import * as core from "@actions/core";
import type { Docker } from "../docker/docker.ts";
import { type FoundCluster, isUp, lookAgain } from "../find/existing-cluster.ts";
import { datacentersOf, hasQuorum, raftOf } from "../find/raft.ts";
import { writeSummary } from "../report/job-summary.ts";
import { foundNode } from "../report/nodes.ts";
import { writeCommandFile } from "../runner/command-files.ts";
import type { Aim } from "./aim.ts";
import { namesOf } from "./effect-gates.ts";
import { includes } from "./step.ts";
import { type FaultTimeline, timelineSummary } from "./timeline.ts";

/** The outputs, in the order of fault/action.yml. */
export const faultOutputNames = ["node", "leader", "quorum", "nodes", "sides", "timeline"] as const;

type Outputs = Partial<Record<(typeof faultOutputNames)[number], string>>;

/** @throws ActionError if they can't be written */
function setOutputs(outputs: Outputs): void {
  writeCommandFile(() => {
    for (const [output, value] of Object.entries(outputs)) core.setOutput(output, value);
  });
}

/** Sets the outputs about the cluster as it is now. */
export async function reportFault(
  { hit, datacenter: name }: Aim,
  docker: Docker,
  cluster: FoundCluster,
): Promise<void> {
  const after = await lookAgain(docker, cluster);
  const datacenters = await datacentersOf(after);
  const datacenter = datacenters.find((each) => each.name === name);
  const isLed = datacenter !== undefined && hasQuorum(datacenter);
  const names = namesOf(hit);
  setOutputs({
    node: names.length === 1 ? names.join() : JSON.stringify(names),
    leader: isLed ? datacenter.raft.leader : "",
    quorum: String(isLed),
    nodes: JSON.stringify(after.agents.map(foundNode)),
  });
}

/** Sets the output about the sides of a partition: each one's running nodes, and its own leader. */
export async function reportSides(
  { sides, datacenter }: Aim,
  docker: Docker,
  cluster: FoundCluster,
): Promise<void> {
  if (sides.length === 0) return setOutputs({ sides: "" });
  const { agents, addresses } = await lookAgain(docker, cluster);
  const described = sides.map(async (side) => {
    const now = agents.filter((agent) => isUp(agent) && includes(side, agent));
    const there = now.filter((agent) => agent.datacenter === datacenter);
    return { nodes: namesOf(now), leader: (await raftOf(there, addresses)).leader };
  });
  setOutputs({ sides: JSON.stringify(await Promise.all(described)) });
}

/**
 * Reports what happened so far, also of a step that fails.
 *
 * @param failure - what the step ended with, if it failed
 */
export async function reportTimeline(
  title: string,
  timeline: FaultTimeline,
  failure?: { readonly error: unknown },
): Promise<void> {
  const events = timeline.events();
  if (events.length === 0) return;
  setOutputs({ timeline: JSON.stringify(events) });
  await writeSummary(timelineSummary(title, events, failure));
}
