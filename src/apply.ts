import pLimit from "p-limit";
import { explainExit, explainNotReady, explainStart } from "./diagnosis.ts";
import { type Docker, DockerError } from "./docker.ts";
import {
  type AgentPlan,
  agentRunArguments,
  type ClusterPlan,
  clusterFilter,
  nodeFilter,
  withOtherPorts,
} from "./plan.ts";
import { freePorts } from "./ports.ts";
import { untilReady } from "./ready.ts";

/** How many containers start at once. The engine gains nothing beyond a few (measured, 2 cores). */
const startsAtOnce = 8;
/** How often an agent whose port was taken meanwhile gets another. */
const portAttempts = 5;

/**
 * Starts every agent of the plan and waits until the cluster is ready. The two run side by side:
 * the servers elect their leader while clients still start.
 *
 * @param log - gets a line for whatever happens
 * @returns the agents that run, with the ports they got
 * @throws ActionError where an agent can't be started or ends, or where time is up
 */
export async function apply(
  docker: Docker,
  plan: ClusterPlan,
  log: (line: string) => void,
): Promise<readonly AgentPlan[]> {
  const agents = [...plan.agents];
  const scope = new AbortController();
  const scoped = docker.within(scope.signal);

  const ended = scoped
    .firstExit([clusterFilter(plan.site.clusterId), nodeFilter], new Date())
    .then(async (exit) => Promise.reject(await explainExit(docker, plan, agents, exit)));
  const started = startAll(scoped, plan, agents, log);
  const ready = untilReady(() => agents, plan.spec.timeout, log, scope.signal).catch(
    async (error: unknown) => Promise.reject(await explainNotReady(scoped, agents, error)),
  );

  try {
    await Promise.race([ended, Promise.all([started, ready])]);
    return agents;
  } finally {
    // No docker command of ours may outlive this function: it could still create something.
    scope.abort();
    await Promise.allSettled([ended, started, ready]);
  }
}

/** Starts the agents in order, several at a time. One that gets other ports is replaced in place. */
async function startAll(
  docker: Docker,
  plan: ClusterPlan,
  agents: AgentPlan[],
  log: (line: string) => void,
): Promise<void> {
  const limit = pLimit(startsAtOnce);
  await Promise.all(
    agents.map((agent, index) =>
      limit(async () => {
        agents[index] = await start(docker, plan, agent);
        log(`${agent.node} started`);
      }),
    ),
  );
}

async function start(
  docker: Docker,
  plan: ClusterPlan,
  agent: AgentPlan,
  attempt = 1,
): Promise<AgentPlan> {
  try {
    await docker.runContainer(agentRunArguments(plan, agent));
    return agent;
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    const canMove = agent.publications.some(({ isFixed }) => !isFixed);
    if (error.failure !== "port-taken" || !canMove || attempt === portAttempts)
      throw await explainStart(docker, plan, agent, error);
    // The container was created before its ports were found taken.
    await docker.removeContainers([agent.container]);
    const ports = await freePorts(agent.publications.length);
    return start(docker, plan, withOtherPorts(agent, ports), attempt + 1);
  }
}
