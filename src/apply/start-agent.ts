import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { hostName } from "../inputs/agent-defaults.ts";
import { isSecured } from "../plan/agent-config.ts";
import { agentRunArguments } from "../plan/container-arguments.ts";
import { type AgentPlan, type AgentsPlan, imageOf, withOtherPorts } from "../plan/plan.ts";
import { dataDirectoryArchive, type Secrets, securityArchive } from "../plan/security-files.ts";
import { explainStart } from "../ready/diagnosis.ts";
import { portsForNodes } from "./node-ports.ts";

/** How many times an agent is started: with other ports each time that somebody else took one. */
const startAttempts = 5;

/** What it takes to start an agent of a plan. */
export interface Begin {
  readonly docker: Docker;
  readonly plan: AgentsPlan;
  readonly secrets: Promise<Secrets | undefined>;
  readonly log: (line: string) => void;
}

/**
 * Starts one agent.
 *
 * @returns the agent with the ports it got
 * @throws ActionError that says why it can't be started
 */
export async function startAgent(begin: Begin, agent: AgentPlan, attempt = 1): Promise<AgentPlan> {
  const { docker, plan } = begin;
  try {
    await runAgent(begin, agent);
    return agent;
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    const other = attempt < startAttempts && (await otherStart(begin, agent, error));
    if (!other) {
      const { reference } = imageOf(plan, agent).image;
      throw await explainStart(docker, reference, agent, error);
    }
    // The engine had created the container before it found what was wrong.
    await docker.removeContainers([agent.container]);
    return startAgent(other.begin, other.agent, attempt + 1);
  }
}

/** How an agent that could not be started may start; undefined if nothing can be changed. */
async function otherStart(begin: Begin, agent: AgentPlan, { failure }: DockerError) {
  const { docker, plan, log } = begin;
  if (failure === "no-host-gateway" && plan.knowsHost) {
    log(`${agent.node} can't reach the runner: this engine has no address for ${hostName}`);
    return { begin: { ...begin, plan: { ...plan, knowsHost: false } }, agent };
  }
  const canMove = agent.publications.some(({ isFixed }) => !isFixed);
  if (failure !== "port-taken" || !canMove) return undefined;
  const ports = await portsForNodes(docker, agent.publications.length);
  return { begin, agent: withOtherPorts(agent, ports.values()) };
}

/**
 * Runs one agent. A secured one gets its secrets as files before it starts: the engine shows
 * arguments, environment, and labels to anyone. Its data directory gets its owner at the same time,
 * unless the entrypoint sees to that.
 */
async function runAgent({ docker, plan, secrets }: Begin, agent: AgentPlan): Promise<void> {
  const args = agentRunArguments(plan, agent);
  const { spec } = plan;
  const { entrypoint } = imageOf(plan, agent);
  const givesData = entrypoint?.ownsDataDirectory === false;
  if (!isSecured(spec.security) && !givesData) return docker.runContainer(args);
  await docker.createContainer(args);
  if (givesData) await docker.putArchive(agent.container, dataDirectoryArchive(plan, entrypoint));
  const made = await secrets;
  if (made) await docker.putArchive(agent.container, securityArchive(plan, agent, made));
  await docker.change("start", [agent.container]);
}
