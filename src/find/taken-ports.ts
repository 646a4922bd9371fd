/**
 * Ports of nodes that start again. A node keeps its ports, so that the outputs stay true; while it is
 * stopped, others can take them.
 */
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { isLocalEndpoint } from "../docker/endpoint.ts";
import { holderOf, isTaken } from "../docker/ports.ts";
import { ActionError } from "../errors.ts";
import { labelNames } from "../plan/labels.ts";
import type { AgentPlan, Publication } from "../plan/plan.ts";
import { clusterEndpoint, labelOf } from "./node-facts.ts";
import { userAliases } from "./other-networks.ts";

type NodePort = Pick<AgentPlan, "node"> & Pick<Publication, "name" | "port">;

/**
 * Checks that stopped nodes can have their ports back, before the first of them starts.
 *
 * @throws ActionError that names every port that is taken, and what has it
 */
export async function refuseTakenPorts(
  docker: Docker,
  agents: readonly (AgentPlan & Facts & { readonly state: string })[],
): Promise<void> {
  await refuseTaken(
    docker,
    agents.filter((agent) => agent.state === "stopped" && !isForwarded(agent)),
    keptByNodes,
  );
}

/**
 * Checks that all ports of nodes are free.
 *
 * @param kept - makes of the nodes' names the message, of who keeps the ports and what to do
 * @throws ActionError that names every port that is taken, and what has it
 */
export async function refuseTaken(
  docker: Docker,
  agents: readonly AgentPlan[],
  kept: Explain,
): Promise<void> {
  const checked = await Promise.all(
    agents.flatMap(portsOf).map(async (each) => ((await isTakenHere(each)) ? [each] : [])),
  );
  const taken = checked.flat();
  // An engine on another machine has ports of its own.
  if (taken.length > 0 && isLocalEndpoint(await docker.endpoint()))
    throw await portsTaken(docker, taken, kept);
}

type Explain = (nodes: string) => string;

const keptByNodes: Explain = (nodes) =>
  `Others use ports of ${nodes}, which were free for them while a node was stopped. A node that starts again keeps its ports, so that the outputs stay true: stop what uses them, then start the node with the \`fault\` action (\`action: start\`).`;

/**
 * Starts a node's container again.
 *
 * @param facts - of the container, or of the one that it replaces, as they were before
 * @throws ActionError that names the ports that are taken, and what has them
 */
export async function startAgain(docker: Docker, agent: AgentPlan & Facts): Promise<void> {
  try {
    await docker.change("start", [agent.container]);
  } catch (error) {
    if (!(error instanceof DockerError) || error.failure !== "port-taken") throw error;
    await keepOnNetwork(docker, agent);
    throw await explainTaken(docker, [agent], keptByNodes, error);
  }
}

/** The ports that the engine's message names, as an error; the same error if it names none of the nodes'. */
export async function explainTaken(
  docker: Docker,
  agents: readonly AgentPlan[],
  kept: Explain,
  error: DockerError,
): Promise<Error> {
  const named = agents
    .flatMap(portsOf)
    .filter(({ port }) => new RegExp(`:${port}\\b`).test(error.said));
  return named.length > 0 ? portsTaken(docker, named, kept, error) : error;
}

/** Whether a node's ports are those of the forwarder, which keeps them while the node is stopped. */
export const isForwarded = ({ facts }: Facts) => labelOf(facts, labelNames.forwarded) !== "";

/** What the engine reports of a node's container. */
interface Facts {
  readonly facts: ContainerFacts;
}

/**
 * Docker 29 takes a container off a network on which it can't start (moby, `connectToNetwork` in
 * daemon/container_operations.go), and would start it without any network the next time.
 */
async function keepOnNetwork(docker: Docker, { container, facts }: AgentPlan & Facts) {
  const [now] = await docker.inspectContainers([container]);
  const endpoint = clusterEndpoint(facts);
  if (now === undefined || endpoint === undefined || clusterEndpoint(now) !== undefined) return;
  const aliases = userAliases(facts, endpoint).map((alias) => `--alias=${alias}`);
  const network = labelOf(facts, labelNames.network);
  await docker.changeConnection("connect", [...aliases, network, container]);
}

const portsOf = ({ node, publications }: AgentPlan): NodePort[] =>
  publications.map(({ name, port }) => ({ node, name, port }));

/** DNS is published for both protocols. */
const isTakenHere = async ({ name, port }: NodePort) =>
  (await isTaken(port, "tcp")) || (name === "dns" && (await isTaken(port, "udp")));

async function portsTaken(
  docker: Docker,
  ports: readonly NodePort[],
  kept: Explain,
  cause?: DockerError,
): Promise<ActionError> {
  const lines = await Promise.all(
    ports.map(async ({ node, name, port }) => {
      return `  ${node}: ${name} at port ${port}, used by ${await holderOf(docker, port)}`;
    }),
  );
  const nodes = [...new Set(ports.map(({ node }) => node))].join(", ");
  const message = [kept(nodes), ...lines];
  const options = cause === undefined ? {} : { cause };
  return new ActionError(`Ports of ${nodes} are in use`, message.join("\n"), options);
}
