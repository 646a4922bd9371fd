/** Nodes that come and go, if a cluster is on several engines. */
import { connectForwarder, startForwarder } from "../apply/start-forwarder.ts";
import { placeIn } from "../apply/swarm-network.ts";
import type { Docker } from "../docker/docker.ts";
import { Engines } from "../docker/engines.ts";
import type { FoundCluster } from "../find/existing-cluster.ts";
import type { NodeShape } from "../inputs/nodes.ts";
import { forwarderOf } from "../plan/forwarder.ts";
import { type AgentPlace, placeNodes } from "../plan/placement.ts";
import type { AgentPlan, AgentsPlan } from "../plan/plan.ts";

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
 * Makes a new node reachable, with a forwarder of its own if it is elsewhere: a container can't publish more
 * ports than it had at its start.
 *
 * @param plan - in which the agent is not new
 * @returns the agent with the ports it got
 */
export async function makeReachable(
  docker: Docker,
  plan: AgentsPlan,
  agent: AgentPlan,
): Promise<AgentPlan> {
  if (!agent.place) return agent;
  docker.place(agent.container, agent.place.engine);
  const agents = await startForwarder(docker, plan, [agent]);
  await connectForwarder(docker, plan, agents);
  return agents[0] ?? agent;
}

/** The containers of a node: its own, and that of its forwarder, if it may have one. */
export const containersOf = (
  docker: Docker,
  clusterId: string,
  { node, container }: Pick<AgentPlan, "node" | "container">,
): string[] =>
  docker instanceof Engines ? [container, forwarderOf(clusterId, node)] : [container];
