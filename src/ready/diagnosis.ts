/** Finds the cause of a failure, so that the annotation names it and not what it led to. */

import type { ContainerFacts, Exit } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { type DockerError, isEngineGone } from "../docker/docker-error.ts";
import { holderOf } from "../docker/ports.ts";
import { ActionError, InputError, messageOf, type Problem } from "../errors.ts";
import type { PortName } from "../inputs/cluster-spec.ts";
import type { AgentPlan } from "../plan/plan.ts";
import { NotReadyError } from "./wait.ts";

/** Lines of an agent's log that are shown where it ended. */
const lastLines = 15;
/** Agents whose complaints are told where a cluster does not get ready. */
const maxSuspects = 5;

/**
 * Why an agent ended: what the engine knows of it, and the last lines that it wrote.
 *
 * @param image - reference of the image that it ran
 */
export async function explainExit(
  docker: Docker,
  image: string,
  agents: readonly AgentPlan[],
  { container, exitCode }: Exit,
): Promise<ActionError> {
  const node = agents.find((agent) => agent.container === container)?.node ?? container;
  const [[facts], lines] = await Promise.all([
    docker.inspectContainers([container]),
    docker.logs(container, lastLines).catch((error) => [messageOf(error)]),
  ]);
  const cause = await causeOf(docker, image, facts, lines);
  return new ActionError(
    `${node} ${cause.title}`,
    [
      `${node} ${cause.title}: it ended with code ${exitCode}. Its last lines:`,
      ...(lines.length > 0 ? lines : ["(it wrote nothing)"]).map((line) => `  ${line}`),
      cause.advice,
    ].join("\n"),
  );
}

interface Cause {
  /** Goes on a sentence that begins with the node's name. */
  readonly title: string;
  readonly advice: string;
}

async function causeOf(
  docker: Docker,
  reference: string,
  facts: ContainerFacts | undefined,
  lines: readonly string[],
): Promise<Cause> {
  if (facts?.State.OOMKilled)
    return {
      title: "was killed by the kernel for memory",
      advice:
        "The memory that its cgroup or the machine had left was not enough: start fewer agents (each takes about 50 MB), free memory on the runner, or use a larger one.",
    };
  if (lines.some((line) => foreignProgram.test(line))) return wrongPlatform(docker, reference);
  return {
    title: "exited",
    advice:
      "Most often this is a setting in `config` or `env` that this version of Consul does not take.",
  };
}

/** What the kernel says of a program for another platform. */
const foreignProgram = /exec format error/i;

async function wrongPlatform(docker: Docker, reference: string): Promise<Cause> {
  const [image, engine] = await Promise.all([
    docker.imagePlatform(reference).catch(messageOf),
    docker.platform().catch(messageOf),
  ]);
  return {
    title: "can't run on this platform",
    advice: `The image ${reference} says that it is made for ${image}, the engine runs ${engine}. Name an image or a version that is made for ${engine}; if this one was pulled for another platform, remove it (docker image rm ${reference}).`,
  };
}

/** Where the engine's published ports are those of this machine. */
const localEndpoint = /^(unix:|npipe:|fd:|tcp:\/\/(127\.|localhost|\[::1\]))/;

/** What a complaint of Consul's looks like, in the log formats of 1.4 and of later versions. */
const complaint = /\[(WARN|ERR|ERROR)\]|==> (Error|Failed)/i;

/** Why the cluster did not become ready, as far as the agents in question say it themselves. */
export async function explainNotReady(
  docker: Docker,
  agents: readonly AgentPlan[],
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof NotReadyError)) return error;
  const suspects = agents.filter(({ node }) => error.suspects.includes(node)).slice(0, maxSuspects);
  const [endpoint, ...complaints] = await Promise.all([
    docker.endpoint().catch(() => ""),
    ...suspects.map(async ({ node, container }) => {
      const lines = await docker.logs(container, "all").catch(() => []);
      const last = lines.findLast((line) => complaint.test(line));
      return last === undefined ? [] : [`  ${node}: ${last.trim()}`];
    }),
  ]);
  const said = complaints.flat();
  const isRemote = endpoint !== "" && !localEndpoint.test(endpoint);
  const lines = [
    error.message,
    ...(said.length > 0 ? ["What these nodes complained of last:", ...said] : []),
    ...(isRemote ? [remoteAdvice(endpoint)] : []),
    "The end of each agent's log is in the log of this step. If the cluster was still getting on, raise `timeout`.",
  ];
  return new ActionError(error.title, lines.join("\n"), { cause: error });
}

const remoteAdvice = (endpoint: string) =>
  `The Docker engine is at ${endpoint}, which may be another machine: the ports that it publishes on 127.0.0.1 can't be reached from this one then. Run the step on the engine's own machine, or in a job container on that engine.`;

/**
 * Why a container could not be started.
 *
 * @param image - reference of the image that it was to run
 */
export async function explainStart(
  docker: Docker,
  image: string,
  agent: AgentPlan,
  error: DockerError,
): Promise<ActionError> {
  // The cause is not this agent's.
  if (isEngineGone(error) || error.failure === "disk-full") return error;
  if (foreignProgram.test(error.said)) {
    const { title, advice } = await wrongPlatform(docker, image);
    return new ActionError(`${agent.node} ${title}`, `${error.message}\n${advice}`, {
      cause: error,
    });
  }
  const taken = error.failure === "port-taken" ? await takenPorts(docker, agent, error.said) : [];
  if (taken.length > 0) return new InputError(taken);
  return new ActionError(`${agent.node} can't start`, error.message, { cause: error });
}

/** The ports that the user named and the engine's message complains of. */
async function takenPorts(docker: Docker, agent: AgentPlan, said: string): Promise<Problem[]> {
  const named = agent.publications.filter(
    ({ port, isFixed }) => isFixed && new RegExp(`:${port}\\b`).test(said),
  );
  return Promise.all(
    named.map(async ({ name, port }) => takenPort(name, port, await holderOf(docker, port))),
  );
}

/**
 * What is said of a port that somebody else has, at whatever moment it is found.
 *
 * @param holder - who has it, where that can be seen
 */
export function takenPort(name: PortName, port: number, holder: string | undefined): Problem {
  const input = `${name}-port`;
  const who = holder ?? "something that can't be seen from here";
  const message = `Input \`${input}\` is ${port}, but ${who} listens on that port already. Name another, or 0 for any free one: \`${input}: 0\`.`;
  return { input, message };
}
