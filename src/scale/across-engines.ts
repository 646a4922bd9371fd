/** Nodes that come and go, if a cluster is on several engines. */
import { placeIn } from "../apply/swarm-network.ts";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { Engines } from "../docker/engines.ts";
import { freePorts } from "../docker/ports.ts";
import type { FoundCluster } from "../find/existing-cluster.ts";
import type { NodeShape } from "../inputs/nodes.ts";
import { forwarderArguments, forwarderName } from "../plan/forwarder.ts";
import { type AgentPlace, placeNodes } from "../plan/placement.ts";
import { type AgentPlan, type AgentsPlan, withOtherPorts } from "../plan/plan.ts";

/** How many times a forwarder is started: with other ports each time that somebody else took one. */
const attempts = 5;

/**
 * Where new nodes go: where a start would have put them. Their addresses are free.
 *
 * @returns none if the cluster is on one engine
 * @throws InputError if the network has too few addresses
 */
export async function placesFor(
  docker: Docker,
  { agents, network }: FoundCluster,
  shapes: readonly NodeShape[],
): Promise<AgentPlace[]> {
  if (!(docker instanceof Engines) || shapes.length === 0) return [];
  return placeNodes(shapes, await placeIn(docker, network, shapes.length), agents);
}

/**
 * Makes a new node that is elsewhere reachable, with a forwarder of its own: a container can't publish more
 * ports than it had at its start.
 *
 * @returns the agent with the ports it got
 */
export async function forwardTo(
  docker: Docker,
  plan: AgentsPlan,
  agent: AgentPlan,
  attempt = 1,
): Promise<AgentPlan> {
  if (!agent.place) return agent;
  docker.place(agent.container, agent.place.engine);
  if (agent.place.isHere) return agent;
  const name = forwarderName(plan.prerequisites.clusterId, agent.node);
  try {
    await docker.runContainer(forwarderArguments(plan, [agent], name));
    return agent;
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    // The engine has created it before it found the port taken.
    await docker.removeContainers([name]);
    if (error.failure !== "port-taken" || attempt === attempts) throw error;
    const ports = await freePorts(agent.publications.length);
    return forwardTo(docker, plan, withOtherPorts(agent, ports), attempt + 1);
  }
}

/** The containers of a node: its own, and that of its forwarder, if it may have one. */
export const containersOf = (
  docker: Docker,
  clusterId: string,
  { node, container }: Pick<AgentPlan, "node" | "container">,
): string[] =>
  docker instanceof Engines ? [container, forwarderName(clusterId, node)] : [container];
