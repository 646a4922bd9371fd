import * as core from "@actions/core";
import { Docker } from "../docker/docker.ts";
import { findCluster, lookAgain } from "../find/existing-cluster.ts";
import { datacentersOf, hasQuorum } from "../find/raft.ts";
import { whileAllRun } from "../find/while-all-run.ts";
import { processMark } from "../plan/labels.ts";
import { untilHold } from "../ready/wait.ts";
import { foundNode } from "../report/nodes.ts";
import { stepsFolder } from "../report/runner-folder.ts";
import { cancellation } from "../runner/cancellation.ts";
import { writeCommandFile } from "../runner/command-files.ts";
import { fail, logTimed } from "../runner/log.ts";
import { recordStep } from "../runner/step-records.ts";
import { type Effect, effectOf } from "./effect.ts";
import { parseFaultInputs } from "./fault-inputs.ts";
import { operations } from "./operations.ts";
import type { FaultStep } from "./step.ts";
import { resolveTarget, targetDatacenters } from "./target.ts";

/** The outputs, in the order of fault/action.yml. */
export const faultOutputNames = ["node", "leader", "quorum", "nodes"] as const;

/** The action `fault`: breaks nodes of a cluster on purpose, or brings them back. */
export async function fault(): Promise<void> {
  const canceled = cancellation("fault");
  try {
    const spec = parseFaultInputs(core.getInput);
    const cluster = await findCluster(new Docker(canceled, core.debug), spec.cluster, process.env);
    const { addresses, clusterId } = cluster;
    const name = `The \`fault\` step with \`action: ${spec.action}\``;
    recordStep(stepsFolder(clusterId, process.env), name);
    const mark = processMark(clusterId);
    const docker = new Docker(canceled, core.debug, mark);
    const cleanup = new Docker(new AbortController().signal, core.debug, mark);
    const datacenters = await datacentersOf(cluster);
    const targeted = targetDatacenters(datacenters, spec);
    const hit = resolveTarget(spec, targeted);
    const effect = effectOf(spec.action, hit, { datacenters, addresses });
    const step: FaultStep = { docker, cleanup, spec, cluster, hit };

    await core.group(`${spec.action} ${hit.map(({ node }) => node).join(", ")}`, async () => {
      await operations[spec.action](step);
      logTimed(`${spec.action}: done`);
      if (spec.wait) await confirm(step, effect, canceled);
    });
    // Of several datacenters the outputs describe the first, which is the primary one.
    await reportFault(step, targeted[0]?.name ?? "");
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
  { docker, cluster: { clusterId }, spec: { action, timeout } }: FaultStep,
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
async function reportFault({ docker, cluster, hit }: FaultStep, name: string): Promise<void> {
  const after = await lookAgain(docker, cluster);
  const datacenters = await datacentersOf(after);
  const datacenter = datacenters.find((each) => each.name === name);
  const isLed = datacenter !== undefined && hasQuorum(datacenter);
  const names = hit.map(({ node }) => node);
  const outputs: Record<(typeof faultOutputNames)[number], string> = {
    node: names.length === 1 ? names.join() : JSON.stringify(names),
    leader: isLed ? datacenter.raft.leader : "",
    quorum: String(isLed),
    nodes: JSON.stringify(after.agents.map(foundNode)),
  };
  writeCommandFile(() => {
    for (const [output, value] of Object.entries(outputs)) core.setOutput(output, value);
  });
}
