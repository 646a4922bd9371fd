/**
 * Ports of nodes that start again. A node keeps its ports, so that the outputs stay true; while it is
 * stopped, others can take them.
 */
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { isLocalEndpoint } from "../docker/endpoint.ts";
import { holderOf, isTaken } from "../docker/ports.ts";
import { ActionError } from "../errors.ts";
import type { AgentPlan, Publication } from "../plan/plan.ts";
import type { FoundAgent } from "./existing-cluster.ts";

type NodePort = Pick<AgentPlan, "node"> & Pick<Publication, "name" | "port">;

/**
 * Checks that stopped nodes can have their ports back, before the first of them starts.
 *
 * @throws ActionError that names every port that is taken, and what has it
 */
export async function refuseTakenPorts(
  docker: Docker,
  agents: readonly FoundAgent[],
): Promise<void> {
  const stopped = agents.filter(({ state }) => state === "stopped").flatMap(portsOf);
  const checked = await Promise.all(
    stopped.map(async (each) => ((await isTakenHere(each)) ? [each] : [])),
  );
  const taken = checked.flat();
  // An engine on another machine has ports of its own.
  if (taken.length > 0 && isLocalEndpoint(await docker.endpoint()))
    throw await portsTaken(docker, taken);
}

/**
 * Why a node did not start again.
 *
 * @returns an ActionError that names the ports that are taken, and what has them; the error itself if
 *   it is about something else
 */
export async function explainStartAgain(
  docker: Docker,
  agent: AgentPlan,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof DockerError) || error.failure !== "port-taken") return error;
  const named = portsOf(agent).filter(({ port }) => new RegExp(`:${port}\\b`).test(error.said));
  return named.length > 0 ? portsTaken(docker, named, error) : error;
}

const portsOf = ({ node, publications }: AgentPlan): NodePort[] =>
  publications.map(({ name, port }) => ({ node, name, port }));

/** DNS is published for both protocols. */
const isTakenHere = async ({ name, port }: NodePort) =>
  (await isTaken(port, "tcp")) || (name === "dns" && (await isTaken(port, "udp")));

async function portsTaken(
  docker: Docker,
  ports: readonly NodePort[],
  cause?: DockerError,
): Promise<ActionError> {
  const lines = await Promise.all(
    ports.map(async ({ node, name, port }) => {
      return `  ${node}: ${name} at port ${port}, used by ${await holderOf(docker, port)}`;
    }),
  );
  const nodes = [...new Set(ports.map(({ node }) => node))].join(", ");
  const message = [
    `Others use ports of ${nodes}, which were free for them while a node was stopped. A node that starts again keeps its ports, so that the outputs stay true: stop what uses them, then start the node with the \`fault\` action (\`action: start\`).`,
    ...lines,
  ];
  const options = cause === undefined ? {} : { cause };
  return new ActionError(`Ports of ${nodes} are in use`, message.join("\n"), options);
}
