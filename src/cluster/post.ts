import * as core from "@actions/core";
import { destroy, removalCommand } from "../destroy/destroy.ts";
import { endOrphans, processMark } from "../destroy/orphans.ts";
import { Docker } from "../docker/docker.ts";
import { messageOf } from "../errors.ts";
import { showEvidence } from "../report/evidence.ts";
import { removeRunnerFolder, runnerFolder } from "../report/runner-folder.ts";
import { logTimed } from "../runner/log.ts";
import { loadState } from "./state.ts";

/** Milliseconds for all of this step: an engine that hangs must not hold up the runner for hours. */
const patience = 180_000;
/** Milliseconds for docker commands of a killed main step to end by themselves. */
const orphanPatience = 10_000;

/**
 * The post step: the cluster is removed, whatever main reached. Whether the job's work was good
 * is not for this step to say, so what goes wrong here is a warning.
 */
export async function post(): Promise<void> {
  const state = loadState();
  if (!state) return core.info("There is no cluster to remove.");
  const { clusterId, cleanup, logs, logsAlways } = state;
  const docker = new Docker(AbortSignal.timeout(patience), core.debug);
  try {
    const orphans = await endOrphans(processMark(clusterId), orphanPatience);
    if (orphans > 0) logTimed(`${orphans} docker commands of a killed step have ended`);
    // The runner fills in this input anew for the post step (actions/runner, `ActionRunner`).
    const isGood = core.getInput("job-status") === "success";
    if (logs !== "" && (logsAlways || !isGood || core.isDebug()))
      await showEvidence(docker, clusterId, logs);
    if (cleanup) await remove(docker, clusterId);
    else
      core.info(
        `The cluster stays, as \`cleanup\` is false. To remove it: ${removalCommand(clusterId)}`,
      );
  } catch (error) {
    warn(clusterId, messageOf(error));
  }
}

async function remove(docker: Docker, clusterId: string): Promise<void> {
  const { containers, leftovers } = await destroy(docker, clusterId);
  for (const { name, reason } of leftovers) warn(clusterId, `${name}: ${reason}`);
  if (leftovers.length > 0) return;
  await removeRunnerFolder(runnerFolder(clusterId, process.env));
  logTimed(
    `Cluster ${clusterId} removed: ${containers} containers, with their volumes and network.`,
  );
}

function warn(clusterId: string, reason: string): void {
  core.warning(`${reason}\nTo remove what is left: ${removalCommand(clusterId)}`, {
    title: `Cluster ${clusterId} was not removed`,
  });
}
