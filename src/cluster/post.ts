import * as core from "@actions/core";
import { hasRemains, removalCommand } from "../destroy/destroy.ts";
import { endOthers } from "../destroy/others.ts";
import { destroyCluster } from "../destroy/several-engines.ts";
import { forgetAhead } from "../docker/ahead.ts";
import { Engine } from "../docker/engine.ts";
import { enginesNamed, reachable } from "../docker/reach.ts";
import { counted, messageOf } from "../errors.ts";
import { removeRunnerFolders, stepsFolder } from "../report/runner-folder.ts";
import { logTimed, warn } from "../runner/log.ts";
import { loadState, type State } from "./state.ts";

/** Milliseconds for the whole step: an engine that hangs must not hold up the runner for hours. */
const patience = 180_000;

/**
 * The post step: removes the cluster, however far the main step got. A failure here says nothing about
 * the job's own work, so it is a warning.
 */
export async function post(): Promise<void> {
  const state = loadState();
  if (!state) return core.info("There is no cluster to remove.");
  const { clusterId, cleanup, engines, logs, logsAlways } = state;
  const engine = new Engine(AbortSignal.timeout(patience), core.debug);
  try {
    // What it ended may have created something since the questions were asked.
    if (await endOthers(state, stepsFolder(clusterId, process.env))) forgetAhead();
    // The runner evaluates this input again for the post step (actions/runner, `ActionRunner`).
    const isGood = core.getInput("job-status") === "success";
    if (logs !== "" && (logsAlways || !isGood || core.isDebug())) {
      // Most jobs succeed, and this is most of the step's code.
      const { showEvidence } = await import(/* webpackMode: "eager" */ "../report/evidence.ts");
      await showEvidence(enginesNamed(engine, engines), clusterId, logs);
      // That may have taken long.
      forgetAhead();
    }
    await (cleanup ? remove(engine, state) : keep(engine, state));
  } catch (error) {
    warnOfLeftover(clusterId, messageOf(error), engines);
  }
}

async function remove(engine: Engine, cluster: State): Promise<void> {
  const { clusterId } = cluster;
  const { found, containers, leftovers } = await destroyCluster(engine, cluster);
  for (const [name, own] of Map.groupBy(leftovers, ({ dockerContext }) => dockerContext)) {
    const reasons = own.map((each) => `${each.name}: ${each.reason}`);
    warnOfLeftover(clusterId, reasons.join("\n"), name === "" ? [] : [name]);
  }
  if (leftovers.length > 0) return;
  await removeRunnerFolders(clusterId, process.env);
  if (!found) return core.info(nothingLeft(clusterId));
  logTimed(
    `Cluster ${clusterId} removed: ${counted(containers, "container")}, with volumes and network.`,
  );
}

async function keep(engine: Engine, { clusterId, engines }: State): Promise<void> {
  const { docker, silent } = await reachable(enginesNamed(engine, engines));
  // One that does not answer may have something.
  if (silent.length === 0 && !(await hasRemains(docker, clusterId)))
    return core.info(nothingLeft(clusterId));
  core.info(
    `The cluster keeps running because \`cleanup\` is false. To remove it: ${removalCommand(clusterId, engines)}`,
  );
}

/** The main step created nothing, or a later step has removed the cluster. */
const nothingLeft = (clusterId: string) => `Nothing is left to remove of cluster ${clusterId}.`;

/** @param engines - docker contexts; none for the engine in use */
function warnOfLeftover(clusterId: string, reason: string, engines: readonly string[]): void {
  warn(`${reason}\nTo remove what is left: ${removalCommand(clusterId, engines)}`, {
    title: `Cluster ${clusterId} was not removed`,
  });
}
