import type { Docker } from "./docker.ts";
import { messageOf } from "./errors.ts";
import { showForeign } from "./log.ts";
import { clusterFilter } from "./plan.ts";

/** Shows the agents' logs, each in a group of its own. What can't be read is said there. */
export async function showLogs(
  docker: Docker,
  clusterId: string,
  lines: number | "all",
): Promise<void> {
  const containers = await docker.containers(clusterFilter(clusterId));
  const logs = await Promise.all(
    containers.map((container) =>
      docker.logs(container, lines).catch((error) => [messageOf(error)]),
    ),
  );
  for (const [index, container] of containers.entries())
    showForeign(`Log of ${container}`, logs[index] ?? []);
}
