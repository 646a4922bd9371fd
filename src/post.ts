import * as core from "@actions/core";
import { destroy, removalCommand } from "./destroy.ts";
import { Docker } from "./docker.ts";
import { messageOf } from "./errors.ts";
import { showLogs } from "./evidence.ts";
import { timed } from "./log.ts";
import { removeRunnerFolder, runnerFolder } from "./runner-folder.ts";
import { loadState } from "./state.ts";

/**
 * The post step: the cluster is removed, whatever main reached. Whether the job's work was good
 * is not for this step to say, so what goes wrong here is a warning.
 */
export async function post(): Promise<void> {
  const state = loadState();
  if (!state) return core.info("There is no cluster to remove.");
  const { clusterId, cleanup } = state;
  const docker = new Docker(new AbortController().signal, core.debug);
  try {
    if (core.isDebug()) await showLogs(docker, clusterId, "all");
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
  await removeRunnerFolder(runnerFolder(clusterId, process.env));
  timed(`Cluster ${clusterId} removed: ${containers} containers, with their volumes and network.`);
}

function warn(clusterId: string, reason: string): void {
  core.warning(`${reason}\nTo remove what is left: ${removalCommand(clusterId)}`, {
    title: `Cluster ${clusterId} was not removed`,
  });
}
