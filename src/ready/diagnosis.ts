/** Finds the cause of a failure, so that the annotation names the cause and not its consequence. */

import type { ContainerFacts, Exit } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { type DockerError, isEngineGone } from "../docker/docker-error.ts";
import { isLocalEndpoint } from "../docker/endpoint.ts";
import { holderOf } from "../docker/ports.ts";
import { ActionError, InputError, messageOf, type Problem } from "../errors.ts";
import type { PortName } from "../inputs/cluster-spec.ts";
import type { AgentPlan } from "../plan/plan.ts";
import { NotReadyError } from "./wait.ts";

/** Lines of its log to show when an agent exits. */
const lastLines = 15;
/** Agents to show the logs of when several exited, or the last warnings of when a cluster is not ready. */
const maxSuspects = 5;

/**
 * Why agents exited: what the engine knows about them, and the last lines of their logs.
 *
 * @param image - reference of the image they ran
 * @param agents - those that should be running; every one that has exited is named
 * @param first - the exit that was noticed
 */
export async function explainExit(
  docker: Docker,
  image: string,
  agents: readonly AgentPlan[],
  first: Exit,
): Promise<ActionError> {
  const newsUntil = new Date(Date.now() + newsPatience);
  const explain = async ({ container, exitCode }: Exit) => {
    const [facts, lines] = await Promise.all([
      factsOfExit(docker, container, newsUntil),
      docker.logs(container, lastLines).catch((error) => [messageOf(error)]),
    ]);
    const { title, advice } = await causeOf(docker, image, facts, lines);
    const node = nodeIn(agents, container);
    const quote = {
      heading: `Last lines of ${node}'s log:`,
      lines: lines.length > 0 ? lines : ["(empty)"],
    };
    return { title: `${node} ${title}`, exitCode, quote, advice };
  };
  // The first alone: meanwhile the engine notices what exited together with it.
  const explained = await explain(first);
  const exits = [first, ...(await otherExits(docker, agents, first))];
  const shown = [explained, ...(await Promise.all(exits.slice(1, maxSuspects).map(explain)))];
  const others = exits.slice(maxSuspects).map(({ container }) => nodeIn(agents, container));
  const title = shown.map((each) => each.title).join(", ");
  const lines = [
    ...shown.map((each) => `${each.title} (exit code ${each.exitCode}).`),
    ...(others.length > 0 ? [`These exited too: ${others.join(", ")}`] : []),
    ...new Set(shown.map(({ advice }) => advice)),
  ];
  return new ActionError(title, lines.join("\n"), { quotes: shown.map(({ quote }) => quote) });
}

/** Milliseconds from an exit to the news that there was no memory left. */
const newsPatience = 500;
/** Of a process that the kernel, or somebody, killed. */
const killed = 137;

interface ExitFacts {
  /** Undefined if the container is gone. */
  readonly facts: ContainerFacts | undefined;
  readonly isOutOfMemory: boolean;
}

async function factsOfExit(docker: Docker, container: string, newsUntil: Date): Promise<ExitFacts> {
  const [facts] = await docker.inspectContainers([container]);
  const { OOMKilled: isKnown = false, ExitCode } = facts?.State ?? {};
  const isOutOfMemory =
    isKnown || (ExitCode === killed && (await docker.ranOutOfMemory(container, newsUntil)));
  return { facts, isOutOfMemory };
}

/** Agents that exited at about the same time, of which the engine reports one first. */
async function otherExits(
  docker: Docker,
  agents: readonly AgentPlan[],
  { container: first }: Exit,
): Promise<Exit[]> {
  const others = agents.map(({ container }) => container).filter((name) => name !== first);
  const facts = await docker.inspectContainers(others);
  return facts
    .filter(({ State }) => State.Status === "exited")
    .map(({ Name, State }) => ({ container: Name, exitCode: State.ExitCode }));
}

const nodeIn = (agents: readonly AgentPlan[], container: string) =>
  agents.find((agent) => agent.container === container)?.node ?? container;

interface Cause {
  /** Completes a sentence that starts with the node's name. */
  readonly title: string;
  readonly advice: string;
}

async function causeOf(
  docker: Docker,
  reference: string,
  { facts, isOutOfMemory }: ExitFacts,
  lines: readonly string[],
): Promise<Cause> {
  if (isOutOfMemory)
    return {
      title: "was OOM-killed",
      advice:
        "Its cgroup or the machine ran out of memory: start fewer agents (each takes about 50 MB), free memory on the runner, or use a larger runner.",
    };
  if (lines.some((line) => foreignProgram.test(line)))
    return wrongPlatform(docker, facts?.Config.Image ?? reference);
  return {
    title: "exited",
    advice:
      "The most common cause is a setting in `config` or `env` that this version of Consul does not accept.",
  };
}

/** What the kernel says about a program for another platform. */
const foreignProgram = /exec format error/i;

async function wrongPlatform(docker: Docker, reference: string): Promise<Cause> {
  const [image, engine] = await Promise.all([
    docker.imagePlatform(reference).catch(messageOf),
    docker.engineFacts().then(({ platform }) => platform, messageOf),
  ]);
  return {
    title: "can't run on this platform",
    advice: `The image ${reference} is for ${image}, and the engine runs ${engine}. Use an image or a version for ${engine}. If this image was pulled for another platform, remove it first (docker image rm ${reference}).`,
  };
}

/** A warning or an error, in the log formats of 1.4 and of later versions. */
const warning = /\[(WARN|ERR|ERROR)\]|==> (Error|Failed)/i;

/** Why the cluster did not become ready, as far as the logs of the agents in question say. */
export async function explainNotReady(
  docker: Docker,
  agents: readonly AgentPlan[],
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof NotReadyError)) return error;
  const suspects = agents.filter(({ node }) => error.suspects.includes(node)).slice(0, maxSuspects);
  const [endpoint, ...warnings] = await Promise.all([
    docker.endpoint().catch(() => ""),
    ...suspects.map(async ({ node, container }) => {
      const lines = await docker.logs(container, "all").catch(() => []);
      const last = lines.findLast((line) => warning.test(line));
      return last === undefined ? [] : [`${node}: ${last.trim()}`];
    }),
  ]);
  const said = warnings.flat();
  const isRemote = !isLocalEndpoint(endpoint);
  const lines = [
    error.explanation,
    ...enginesCutOff(agents, error.suspects),
    ...(isRemote ? [remoteAdvice(endpoint)] : []),
    "The log of this step has the end of each agent's log. If the cluster was still making progress, raise `timeout`.",
  ];
  const quotes = [
    ...error.quotes,
    ...(said.length > 0 ? [{ heading: "Last warnings of these nodes:", lines: said }] : []),
  ];
  return new ActionError(error.title, lines.join("\n"), { cause: error, quotes });
}

/**
 * Engines of which no agent was seen by all, apart from the job's own. Pure.
 *
 * @param suspects - names of nodes that some agent does not see, or that do not answer
 */
export function enginesCutOff(
  agents: readonly Pick<AgentPlan, "node" | "place">[],
  suspects: readonly string[],
): string[] {
  const elsewhere = agents.filter(({ place }) => place !== undefined && !place.isHere);
  const engines = Map.groupBy(elsewhere, ({ place }) => place?.engine ?? "");
  return [...engines].flatMap(([engine, there]) => {
    const nodes = there.map(({ node }) => node);
    if (!nodes.every((node) => suspects.includes(node))) return [];
    return `All agents on the engine ${engine} (${nodes.join(", ")}) are among them: that machine may be cut off from the others. ${betweenMachines}`;
  });
}

/** What engines of a swarm need of each other, and how to see it. */
const betweenMachines =
  "See what `docker node ls` says of it, and whether UDP port 4789 and port 7946 (TCP and UDP) are open between the machines.";

/** What to know about an engine that seems to be on another machine. */
export const remoteAdvice = (endpoint: string) =>
  `The Docker engine is at ${endpoint}. If that is another machine, the ports it publishes on 127.0.0.1 can't be reached from here. Run the job on the machine of the engine, or in a container of that engine on the cluster's network (input \`network\`).`;

/**
 * Why a container could not be started.
 *
 * @param image - reference of the image to run
 */
export async function explainStart(
  docker: Docker,
  image: string,
  agent: AgentPlan,
  error: DockerError,
): Promise<ActionError> {
  // Not about this agent.
  if (isEngineGone(error) || error.failure === "disk-full") return error;
  if (foreignProgram.test(error.said)) {
    const { title, advice } = await wrongPlatform(docker, image);
    return new ActionError(`${agent.node} ${title}`, `${error.message}\n${advice}`, {
      cause: error,
    });
  }
  const taken = error.failure === "port-taken" ? await takenPorts(docker, agent, error.said) : [];
  if (taken.length > 0) return new InputError(taken);
  const lines = [error.message, ...onOtherEngine(agent, error)];
  return new ActionError(`${agent.node} can't start`, lines.join("\n"), { cause: error });
}

/** What to know of an agent that is on another engine and can't be started there. */
function onOtherEngine({ node, place }: AgentPlan, { said }: DockerError): string[] {
  if (place === undefined || place.isHere) return [];
  // A worker asks the swarm's manager for the address (moby, `AttachNetwork` in daemon/cluster/networks.go).
  const isAlone = /attaching to network failed|context deadline exceeded/i.test(said);
  const why = isAlone
    ? `, which got no answer of the swarm's manager: that machine may be cut off from the others. ${betweenMachines}`
    : ".";
  return [`${node} is on the engine ${place.engine}${why}`];
}

/** The ports among those the user chose that the engine's message is about. */
async function takenPorts(docker: Docker, agent: AgentPlan, said: string): Promise<Problem[]> {
  const named = agent.publications.filter(
    ({ port, isFixed }) => isFixed && new RegExp(`:${port}\\b`).test(said),
  );
  return Promise.all(
    named.map(async ({ name, port }) => takenPort(name, port, await holderOf(docker, port))),
  );
}

/**
 * The problem of a port that is in use, whenever it is found.
 *
 * @param holder - what uses it
 */
export function takenPort(name: PortName, port: number, holder: string): Problem {
  const input = `${name}-port`;
  const message = `Input \`${input}\` is ${port}, but ${holder} already listens on that port. Choose another one, or 0 for any free port: \`${input}: 0\`. With \`ports: auto\`, all ports that you do not set are free ones.`;
  return { input, message };
}
