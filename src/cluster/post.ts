import * as core from "@actions/core";
import { destroy, hasRemains, removalCommand } from "../destroy/destroy.ts";
import { endOthers } from "../destroy/others.ts";
import type { Docker } from "../docker/docker.ts";
import { Engine } from "../docker/engine.ts";
import { counted, messageOf } from "../errors.ts";
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
  const { clusterId, cleanup, logs, logsAlways } = state;
  const docker = new Engine(AbortSignal.timeout(patience), core.debug);
  try {
    await endOthers(clusterId, stepsFolder(clusterId, process.env));
    // The runner evaluates this input again for the post step (actions/runner, `ActionRunner`).
    const isGood = core.getInput("job-status") === "success";
    if (logs !== "" && (logsAlways || !isGood || core.isDebug()))
      await showEvidence(docker, clusterId, logs);
    if (cleanup) await remove(docker, clusterId);
    else await keep(docker, clusterId);
  } catch (error) {
    warnOfLeftover(clusterId, messageOf(error));
  }
}

async function remove(docker: Docker, clusterId: string): Promise<void> {
  const { found, containers, leftovers } = await destroy(docker, clusterId);
  for (const { name, reason } of leftovers) warnOfLeftover(clusterId, `${name}: ${reason}`);
  if (leftovers.length > 0) return;
  await removeRunnerFolders(clusterId, process.env);
  if (!found) return core.info(nothingLeft(clusterId));
  logTimed(
    `Cluster ${clusterId} removed: ${counted(containers, "container")}, with volumes and network.`,
  );
}

async function keep(docker: Docker, clusterId: string): Promise<void> {
  if (!(await hasRemains(docker, clusterId))) return core.info(nothingLeft(clusterId));
  core.info(
    `The cluster keeps running because \`cleanup\` is false. To remove it: ${removalCommand(clusterId)}`,
  );
}

/** The main step created nothing, or a later step has removed the cluster. */
const nothingLeft = (clusterId: string) => `Nothing is left to remove of cluster ${clusterId}.`;

function warnOfLeftover(clusterId: string, reason: string): void {
  warn(`${reason}\nTo remove what is left: ${removalCommand(clusterId)}`, {
    title: `Cluster ${clusterId} was not removed`,
  });
}
