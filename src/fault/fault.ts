import { setTimeout as sleep } from "node:timers/promises";
import * as core from "@actions/core";
import { Engine } from "../docker/engine.ts";
import { dockerOf } from "../find/across-engines.ts";
import { findCluster, lookAgain } from "../find/existing-cluster.ts";
import { whileAllRun } from "../find/while-all-run.ts";
import { processMark } from "../plan/labels.ts";
import { stepsFolder } from "../report/runner-folder.ts";
import { cancellation, cleaningUp } from "../runner/cancellation.ts";
import { fail, logTimed, warn } from "../runner/log.ts";
import { recordStep } from "../runner/step-records.ts";
import { type Aim, aimOf, aimOfUndo } from "./aim.ts";
import { namesOf } from "./effect-gates.ts";
import { type FaultSpec, type Hold, parseFaultInputs } from "./fault-inputs.ts";
import { type Context, perform } from "./perform.ts";
import { reportFault, reportSides, reportTimeline } from "./report-fault.ts";
import { FaultTimeline } from "./timeline.ts";

/** The action `fault`: breaks nodes of a cluster on purpose, or brings them back. */
export async function fault(): Promise<void> {
  const canceled = cancellation("fault");
  try {
    const spec = parseFaultInputs(core.getInput);
    const engine = new Engine(canceled, core.debug);
    const cluster = await findCluster(engine, spec.cluster, process.env);
    const { clusterId } = cluster;
    const name = `The \`fault\` step with \`action: ${spec.fault.action}\``;
    recordStep(stepsFolder(clusterId, process.env), name);
    const mark = processMark(clusterId);
    const docker = dockerOf(new Engine(canceled, core.debug, mark), cluster);
    const cleanup = dockerOf(new Engine(cleaningUp(canceled), core.debug, mark), cluster);
    const { timeout, wait, toolsImage } = spec;
    const aim = await aimOf(spec, cluster, { timeout, signal: canceled });
    const timeline = new FaultTimeline();
    const context = { docker, cleanup, timeout, toolsImage, cluster, timeline, canceled, wait };
    await run(spec, aim, context).catch(async (error: unknown) => {
      const failure = { error: canceled.aborted ? canceled.reason : error };
      await reportTimeline(titleOf(spec, aim), timeline, failure);
      throw error;
    });
    await reportTimeline(titleOf(spec, aim), timeline);
    await reportFault(aim, docker, cluster);
  } catch (error) {
    fail(canceled.aborted ? canceled.reason : error);
  }
}

const titleOf = ({ hold }: FaultSpec, { title }: Aim) =>
  hold ? `${title} for ${hold.milliseconds / 1000} s` : title;

async function run({ fault: { action }, hold }: FaultSpec, aim: Aim, context: Context) {
  const { docker, cluster } = context;
  try {
    await perform(action, aim, context);
    await reportSides(aim, docker, cluster);
    if (hold) await undoAfter(hold, aim, context);
  } catch (error) {
    if (hold) warnOfFault(hold, aim);
    throw error;
  }
}

/** Keeps a fault up, as long as the agents that it left running run, and then undoes it. */
async function undoAfter(
  { milliseconds, undo }: Hold,
  { hit, effect, datacenter }: Aim,
  context: Context,
): Promise<void> {
  const { docker, cluster, canceled } = context;
  const { clusterId } = cluster;
  logTimed(`The fault lasts for ${milliseconds / 1000} s`);
  await whileAllRun({ docker, clusterId, agents: effect.asked, signal: canceled }, (signal) =>
    sleep(milliseconds, undefined, { signal }),
  );
  const now = await lookAgain(docker, cluster);
  const aim = await aimOfUndo(undo, hit, now, datacenter);
  await perform(undo, aim, { ...context, cluster: now });
}

/** A step that fails or is canceled leaves the cluster as it is, for who looks into it. */
function warnOfFault({ undo }: Hold, { hit, sides, title }: Aim): void {
  // A partition is healed as a whole.
  const target = sides.length > 0 ? "" : `, \`target: ${namesOf(hit).join(", ")}\``;
  warn(
    `The step ended early, and may have left the fault as it is: \`${title}\`. A later step with \`if: always()\` can undo it: \`action: ${undo}\`${target}. The main action's post step removes the cluster in any case.`,
    { title: "The fault was not undone" },
  );
}
