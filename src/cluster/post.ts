import * as core from "@actions/core";
import { destroy, removalCommand } from "../destroy/destroy.ts";
import { type Ended, endOrphans, endSteps } from "../destroy/orphans.ts";
import { Docker } from "../docker/docker.ts";
import { counted, messageOf } from "../errors.ts";
import { processMark } from "../plan/labels.ts";
import { showEvidence } from "../report/evidence.ts";
import { removeRunnerFolder, runnerFolder, stepsFolder } from "../report/runner-folder.ts";
import { logTimed, warn } from "../runner/log.ts";
import { loadState } from "./state.ts";

/** Milliseconds for the whole step: an engine that hangs must not hold up the runner for hours. */
const patience = 180_000;
/** Milliseconds for a step to end once it is asked to. It lets its docker commands finish. */
const stepPatience = 8000;
/** Milliseconds for docker commands of a killed step to end on their own. */
const orphanPatience = 10_000;

/**
 * The post step: removes the cluster, however far the main step got. A failure here says nothing about
 * the job's own work, so it is a warning.
 */
export async function post(): Promise<void> {
  const state = loadState();
  if (!state) return core.info("There is no cluster to remove.");
  const { clusterId, cleanup, logs, logsAlways } = state;
  const docker = new Docker(AbortSignal.timeout(patience), core.debug);
  try {
    await endOthers(clusterId);
    // The runner evaluates this input again for the post step (actions/runner, `ActionRunner`).
    const isGood = core.getInput("job-status") === "success";
    if (logs !== "" && (logsAlways || !isGood || core.isDebug()))
      await showEvidence(docker, clusterId, logs);
    if (cleanup) await remove(docker, clusterId);
    else
      core.info(
        `The cluster keeps running because \`cleanup\` is false. To remove it: ${removalCommand(clusterId)}`,
      );
  } catch (error) {
    warnOfLeftover(clusterId, messageOf(error));
  }
}

/**
 * Ends what other steps left running, which could create something behind our back. Limits of its own
 * keep it within this step's.
 */
async function endOthers(clusterId: string): Promise<void> {
  const steps = await endSteps(stepsFolder(clusterId, process.env), stepPatience);
  if (steps.count > 0) logTimed(`${counted(steps.count, "step")} still running: ended`);
  warnOfStuck(clusterId, steps);
  const commands = await endOrphans(processMark(clusterId), orphanPatience);
  if (commands.count > 0)
    logTimed(`${counted(commands.count, "docker command")} of a killed step ended`);
  warnOfStuck(clusterId, commands);
}

/** Characters of a command that a warning shows. */
const maxCommand = 200;

function warnOfStuck(clusterId: string, { stuck }: Ended): void {
  for (const { pid, command } of stuck)
    warn(
      `Process ${pid} of an earlier step did not end, not even after SIGKILL: ${command.trim().slice(0, maxCommand)}\nIt may still create something. To remove what is left: ${removalCommand(clusterId)}`,
      { title: `Cluster ${clusterId}: a process is still running` },
    );
}

async function remove(docker: Docker, clusterId: string): Promise<void> {
  const { containers, leftovers } = await destroy(docker, clusterId);
  for (const { name, reason } of leftovers) warnOfLeftover(clusterId, `${name}: ${reason}`);
  if (leftovers.length > 0) return;
  await removeRunnerFolder(runnerFolder(clusterId, process.env));
  await removeRunnerFolder(stepsFolder(clusterId, process.env));
  logTimed(
    `Cluster ${clusterId} removed: ${counted(containers, "container")}, with volumes and network.`,
  );
}

function warnOfLeftover(clusterId: string, reason: string): void {
  warn(`${reason}\nTo remove what is left: ${removalCommand(clusterId)}`, {
    title: `Cluster ${clusterId} was not removed`,
  });
}
