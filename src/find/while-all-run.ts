import type { Docker } from "../docker/docker.ts";
import { clusterFilter } from "../plan/labels.ts";
import { explainExit } from "../ready/diagnosis.ts";
import type { FoundAgent } from "./existing-cluster.ts";

/**
 * Does something as long as these agents run.
 *
 * @param work - gets a signal that ends with the watch
 * @throws ActionError with an agent's last log lines, as soon as one of them ends
 */
export async function whileAllRun(
  docker: Docker,
  clusterId: string,
  agents: readonly FoundAgent[],
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const scope = new AbortController();
  const watching = untilOneEnds(docker.within(scope.signal), clusterId, agents).then(async (exit) =>
    Promise.reject(await explainExit(docker, agents[0]?.facts.Config.Image ?? "", agents, exit)),
  );
  const working = work(scope.signal);
  try {
    await Promise.race([watching, working]);
  } finally {
    scope.abort();
    await Promise.allSettled([watching, working]);
  }
}

async function untilOneEnds(docker: Docker, clusterId: string, agents: readonly FoundAgent[]) {
  const names = agents.map(({ container }) => container);
  let since = new Date();
  const ended = (await docker.inspectContainers(names)).find(({ State }) => !State.Running);
  if (ended) return { container: ended.Name, exitCode: ended.State.ExitCode };
  for (;;) {
    const exit = await docker.firstExit([clusterFilter(clusterId)], since);
    if (names.includes(exit.container)) return exit;
    since = new Date();
  }
}
