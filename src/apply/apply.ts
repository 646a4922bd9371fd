import pLimit from "p-limit";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { freePorts } from "../docker/ports.ts";
import type { ClusterSpec, Role } from "../inputs/cluster-spec.ts";
import { isSecured } from "../plan/agent-config.ts";
import { agentRunArguments } from "../plan/container-arguments.ts";
import { clusterFilter, nodeFilter } from "../plan/labels.ts";
import { type AgentPlan, type ClusterPlan, withOtherPorts } from "../plan/plan.ts";
import { credentialsFrom, type Secrets, securityArchive } from "../plan/security-files.ts";
import { clientFor } from "../ready/agents.ts";
import { explainExit, explainNotReady, explainStart } from "../ready/diagnosis.ts";
import { untilReady } from "../ready/wait.ts";
import type { Timeline } from "../runner/timeline.ts";
import { grantTokens, resync } from "./agent-tokens.ts";

/** How many containers start at once. The engine gains nothing beyond a few (measured, 2 cores). */
const startsAtOnce = 8;
/** How often an agent whose port was taken meanwhile gets another. */
const portAttempts = 5;
/** Milliseconds that tokens get beyond the gates' time, as a gate that fails tells more. */
const grace = 2000;

/**
 * Starts every agent of the plan and waits until the cluster is ready. The two run side by side:
 * the servers elect their leader while clients still start.
 *
 * @param makeSecrets - gives what a secured cluster is made with, using the docker that it gets;
 *   agents' containers are created meanwhile
 * @param log - gets a line for whatever happens
 * @param timeline - learns when servers and clients had started and when each gate first held
 * @returns the secrets, and the agents that run, with the ports they got
 * @throws ActionError where an agent can't be started or ends, or where time is up
 */
export async function apply(
  docker: Docker,
  plan: ClusterPlan,
  makeSecrets: (docker: Docker) => Promise<Secrets | undefined>,
  log: (line: string) => void,
  timeline: Timeline,
): Promise<{ secrets: Secrets | undefined; agents: readonly AgentPlan[] }> {
  const agents = [...plan.agents];
  const scope = new AbortController();
  const scoped = docker.within(scope.signal);

  const ended = scoped
    .firstExit([clusterFilter(plan.prerequisites.clusterId), nodeFilter], new Date())
    .then(async (exit) =>
      Promise.reject(await explainExit(docker, plan.prerequisites.image.reference, agents, exit)),
    );
  const making = makeSecrets(scoped);
  const startThose = (role: Role) => startAll(scoped, plan, making, role, agents, log);
  // Servers come first and alone: the wait for an election, the longest of all, begins with them.
  const servers = timeline.during("servers", () => startThose("server"));
  const started = servers.then(async () => {
    if (agents.some(({ role }) => role === "client"))
      await timeline.during("clients", () => startThose("client"));
  });
  const { timeout } = plan.spec;
  const { signal } = scope;
  const ready = making.then((secrets) => {
    const credentials = credentialsFrom(secrets);
    const current = () => agents.map((agent) => clientFor(agent, credentials));
    // Nothing can hold before all run, and questions would take time that starting them needs.
    const wait = { timeout, onChange: log, signal, after: started };
    return untilReady(current, credentials.token !== undefined, wait, timeline).catch(
      async (error: unknown) => Promise.reject(await explainNotReady(scoped, agents, error)),
    );
  });
  const granted = Promise.all([making, servers]).then(
    ([secrets]) => secrets && grantTokens(() => agents, secrets, timeout + grace, signal),
  );

  try {
    await Promise.race([ended, Promise.all([started, ready, granted])]);
    const secrets = await making;
    if (secrets && !namesTokens(plan.spec)) await resync(agents, secrets);
    return { secrets, agents };
  } finally {
    // No docker command of ours may outlive this function: it could still create something.
    scope.abort();
    await Promise.allSettled([ended, making, started, ready, granted]);
  }
}

/** Whether the user gives agents tokens, which nothing may replace. */
const namesTokens = ({ config }: ClusterSpec) => /token/.test(config);

/** Starts the agents of a role, several at a time. One that gets other ports is replaced in place. */
async function startAll(
  docker: Docker,
  plan: ClusterPlan,
  making: Promise<Secrets | undefined>,
  role: Role,
  agents: AgentPlan[],
  log: (line: string) => void,
): Promise<void> {
  const limit = pLimit(startsAtOnce);
  await Promise.all(
    [...plan.agents.entries()]
      .filter(([, agent]) => agent.role === role)
      .map(([index, agent]) =>
        limit(async () => {
          agents[index] = await start(docker, plan, making, agent);
          log(`${agent.node} started`);
        }),
      ),
  );
}

async function start(
  docker: Docker,
  plan: ClusterPlan,
  making: Promise<Secrets | undefined>,
  agent: AgentPlan,
  attempt = 1,
): Promise<AgentPlan> {
  try {
    await run(docker, plan, making, agent);
    return agent;
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    const canMove = agent.publications.some(({ isFixed }) => !isFixed);
    if (error.failure !== "port-taken" || !canMove || attempt === portAttempts)
      throw await explainStart(docker, plan.prerequisites.image.reference, agent, error);
    // The container was created before its ports were found taken.
    await docker.removeContainers([agent.container]);
    const ports = await freePorts(agent.publications.length);
    return start(docker, plan, making, withOtherPorts(agent, ports), attempt + 1);
  }
}

/**
 * Runs one agent. A secured one gets its secrets as files before it starts: the engine would show
 * to anybody what is in arguments, environment or labels.
 */
async function run(
  docker: Docker,
  plan: ClusterPlan,
  making: Promise<Secrets | undefined>,
  agent: AgentPlan,
): Promise<void> {
  if (!isSecured(plan.spec.security)) return docker.runContainer(agentRunArguments(plan, agent));
  const [secrets] = await Promise.all([
    making,
    docker.createContainer(agentRunArguments(plan, agent)),
  ]);
  if (!secrets) throw new Error("a secured cluster has secrets");
  await docker.putArchive(agent.container, securityArchive(plan, agent, secrets));
  await docker.startContainer(agent.container);
}
