import * as core from "@actions/core";
import { Docker } from "../docker/docker.ts";
import { type FoundCluster, findCluster, isUp, lookAgain } from "../find/existing-cluster.ts";
import { datacentersOf, hasQuorum, raftOf } from "../find/raft.ts";
import { whileAllRun } from "../find/while-all-run.ts";
import { processMark } from "../plan/labels.ts";
import { untilHold } from "../ready/wait.ts";
import { foundNode } from "../report/nodes.ts";
import { stepsFolder } from "../report/runner-folder.ts";
import { cancellation } from "../runner/cancellation.ts";
import { writeCommandFile } from "../runner/command-files.ts";
import { fail, logTimed } from "../runner/log.ts";
import { recordStep } from "../runner/step-records.ts";
import { aimOf } from "./aim.ts";
import type { Effect } from "./effect.ts";
import { namesOf } from "./effect-gates.ts";
import { type FaultAction, parseFaultInputs } from "./fault-inputs.ts";
import { operations } from "./operations.ts";
import { type FaultStep, includes } from "./step.ts";

/** The outputs, in the order of fault/action.yml. */
export const faultOutputNames = ["node", "leader", "quorum", "nodes", "sides"] as const;

/** The action `fault`: breaks nodes of a cluster on purpose, or brings them back. */
export async function fault(): Promise<void> {
  const canceled = cancellation("fault");
  try {
    const spec = parseFaultInputs(core.getInput);
    const cluster = await findCluster(new Docker(canceled, core.debug), spec.cluster, process.env);
    const { clusterId } = cluster;
    const { action } = spec.fault;
    const name = `The \`fault\` step with \`action: ${action}\``;
    recordStep(stepsFolder(clusterId, process.env), name);
    const mark = processMark(clusterId);
    const docker = new Docker(canceled, core.debug, mark);
    const cleanup = new Docker(new AbortController().signal, core.debug, mark);
    const aim = await aimOf(spec, cluster);
    const step: FaultStep = { docker, cleanup, timeout: spec.timeout, cluster, ...aim };

    await core.group(aim.title, async () => {
      await operations[action](step);
      logTimed(`${action}: done`);
      if (spec.wait) await confirm(action, step, aim.effect, canceled);
    });
    await reportFault(step, aim.datacenter);
  } catch (error) {
    fail(canceled.aborted ? canceled.reason : error);
  }
}

/**
 * Waits for the effect.
 *
 * @throws ActionError if it doesn't come in time, or as soon as an agent that is asked exits
 */
async function confirm(
  action: FaultAction,
  { docker, cluster: { clusterId }, timeout }: FaultStep,
  { what, asked, gates }: Effect,
  canceled: AbortSignal,
): Promise<void> {
  if (gates.length === 0) return;
  logTimed(`Waiting until ${what}`);
  const summary = `\`${action}\` was not confirmed`;
  const failure = { title: summary, summary };
  await whileAllRun({ docker, clusterId, agents: asked, signal: canceled }, (signal) =>
    untilHold(gates, () => asked, { timeout, onChange: logTimed, signal, failure }),
  );
}

/** @param name - of the datacenter whose leader and quorum are reported */
async function reportFault(
  { docker, cluster, hit, sides }: FaultStep,
  name: string,
): Promise<void> {
  const after = await lookAgain(docker, cluster);
  const datacenters = await datacentersOf(after);
  const datacenter = datacenters.find((each) => each.name === name);
  const isLed = datacenter !== undefined && hasQuorum(datacenter);
  const names = namesOf(hit);
  const outputs: Record<(typeof faultOutputNames)[number], string> = {
    node: names.length === 1 ? names.join() : JSON.stringify(names),
    leader: isLed ? datacenter.raft.leader : "",
    quorum: String(isLed),
    nodes: JSON.stringify(after.agents.map(foundNode)),
    sides: sides.length === 0 ? "" : JSON.stringify(await sidesAfter(sides, after, name)),
  };
  writeCommandFile(() => {
    for (const [output, value] of Object.entries(outputs)) core.setOutput(output, value);
  });
}

/** Each side's running nodes, and its own leader in this datacenter; empty if it has none. */
function sidesAfter(
  sides: FaultStep["sides"],
  { agents, addresses }: FoundCluster,
  datacenter: string,
): Promise<{ nodes: string[]; leader: string }[]> {
  const described = sides.map(async (side) => {
    const now = agents.filter((agent) => isUp(agent) && includes(side, agent));
    const there = now.filter((agent) => agent.datacenter === datacenter);
    return { nodes: namesOf(now), leader: (await raftOf(there, addresses)).leader };
  });
  return Promise.all(described);
}
