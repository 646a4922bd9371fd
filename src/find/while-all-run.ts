import type { Exit } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { clusterFilter } from "../plan/labels.ts";
import { explainExit } from "../ready/diagnosis.ts";
import { explainForwarder } from "../ready/forwarder.ts";
import { withScope } from "../runner/scope.ts";
import type { FoundAgent } from "./existing-cluster.ts";
import { forwardersOf } from "./forwarder.ts";

/** Agents that must keep running. */
export interface Watch {
  readonly docker: Docker;
  readonly clusterId: string;
  readonly agents: readonly FoundAgent[];
  /** Ends the watch and the work. */
  readonly signal: AbortSignal;
}

/**
 * Does something as long as these agents run.
 *
 * @param work - gets a signal that aborts when an agent exits or the watch's own signal aborts
 * @returns what the work returns
 * @throws ActionError with an agent's last log lines, as soon as that agent exits, or the forwarder to it
 */
export function whileAllRun<T>(
  watch: Watch,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return withScope(watch.signal, ({ signal, start }) =>
    Promise.race([start(failWhenOneExits(watch, signal)), start(work(signal))]),
  );
}

/** Rejects when an agent exits, or what leads to agents on other engines. */
async function failWhenOneExits(
  { docker, clusterId, agents }: Watch,
  signal: AbortSignal,
): Promise<never> {
  const forwarders = await forwardersOf(docker, clusterId, agents);
  const names = [...agents.map(({ container }) => container), ...forwarders];
  const exit = await firstExit(docker.within(signal), clusterId, names);
  if (forwarders.includes(exit.container)) throw await explainForwarder(docker, exit);
  // An upgraded agent's image is not the one that the agent was found with.
  const [facts] = await docker.inspectContainers([exit.container]);
  throw await explainExit(docker, facts?.Config.Image ?? "", agents, exit);
}

async function firstExit(
  docker: Docker,
  clusterId: string,
  names: readonly string[],
): Promise<Exit> {
  for (;;) {
    // An agent may exit while the exit of another container, such as a helper, is handled.
    const since = new Date();
    const ended = (await docker.inspectContainers(names)).find(({ State }) => !State.Running);
    if (ended) return { container: ended.Name, exitCode: ended.State.ExitCode };
    const exit = await docker.firstExit([clusterFilter(clusterId)], since);
    if (names.includes(exit.container)) return exit;
  }
}
