import * as core from "@actions/core";
import { destroy, hasRemains, type Removal, removalCommand } from "../destroy/destroy.ts";
import { endOthers } from "../destroy/others.ts";
import { destroyOnAll, type RemovalOnAll } from "../destroy/several-engines.ts";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { Engine } from "../docker/engine.ts";
import { counted, messageOf } from "../errors.ts";
import { acrossEngines } from "../find/across-engines.ts";
import { showEvidence } from "../report/evidence.ts";
import { removeRunnerFolders, stepsFolder } from "../report/runner-folder.ts";
import { logTimed, warn } from "../runner/log.ts";
import { loadState } from "./state.ts";

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
    await endOthers(clusterId, stepsFolder(clusterId, process.env));
    // The runner evaluates this input again for the post step (actions/runner, `ActionRunner`).
    const isGood = core.getInput("job-status") === "success";
    if (logs !== "" && (logsAlways || !isGood || core.isDebug()))
      await showEvidence(await reachable(engine, clusterId), clusterId, logs);
    if (cleanup) await remove(engine, clusterId, engines);
    else await keep(engine, clusterId);
  } catch (error) {
    warnOfLeftover(clusterId, messageOf(error));
  }
}

/** An engine that does not answer must not keep the others from being cleaned up. */
async function reachable(engine: Engine, clusterId: string): Promise<Docker> {
  try {
    return await acrossEngines(engine, clusterId, process.env);
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    return engine;
  }
}

async function remove(
  engine: Engine,
  clusterId: string,
  engines: readonly string[],
): Promise<void> {
  const { found, containers, leftovers } =
    engines.length === 0
      ? withoutContext(await destroy(engine, clusterId))
      : await destroyOnAll((name) => engine.on(name), engines, clusterId);
  for (const { name, reason, dockerContext } of leftovers)
    warnOfLeftover(clusterId, `${name}: ${reason}`, dockerContext);
  if (leftovers.length > 0) return;
  await removeRunnerFolders(clusterId, process.env);
  if (!found) return core.info(nothingLeft(clusterId));
  logTimed(
    `Cluster ${clusterId} removed: ${counted(containers, "container")}, with volumes and network.`,
  );
}

const withoutContext = (removal: Removal): RemovalOnAll => ({
  ...removal,
  leftovers: removal.leftovers.map((each) => ({ ...each, dockerContext: "" })),
});

async function keep(docker: Docker, clusterId: string): Promise<void> {
  if (!(await hasRemains(docker, clusterId))) return core.info(nothingLeft(clusterId));
  core.info(
    `The cluster keeps running because \`cleanup\` is false. To remove it: ${removalCommand(clusterId)}`,
  );
}

/** The main step created nothing, or a later step has removed the cluster. */
const nothingLeft = (clusterId: string) => `Nothing is left to remove of cluster ${clusterId}.`;

function warnOfLeftover(clusterId: string, reason: string, dockerContext = ""): void {
  warn(`${reason}\nTo remove what is left: ${removalCommand(clusterId, dockerContext)}`, {
    title: `Cluster ${clusterId} was not removed`,
  });
}
