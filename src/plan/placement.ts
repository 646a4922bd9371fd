/** Which agent of a cluster on several engines is where. */
import type { NodeShape } from "../inputs/nodes.ts";

/** Engines of one swarm, and their network. */
export interface SwarmPlace {
  /** Docker contexts, the job's own engine first. */
  readonly engines: readonly [string, ...string[]];
  /** The network's IPv4 addresses: `10.0.1.0/24`. */
  readonly subnet: string;
}

/** Where an agent is. */
export interface AgentPlace {
  /** Docker context of its engine. */
  readonly engine: string;
  /** Whether that is the job's own engine, which publishes ports on the runner's loopback. */
  readonly isHere: boolean;
  /** In the network. It is fixed, so that a node which starts again comes back as itself. */
  readonly address: string;
}

/**
 * Spreads agents over engines by role: each datacenter's servers first, so that an engine is a failure
 * domain, and its clients after them. The first server is on the job's own engine.
 *
 * @param nodes - in the order of the plan
 * @returns the nodes' places, in the same order
 */
export function placeNodes(
  nodes: readonly NodeShape[],
  { engines, subnet }: SwarmPlace,
): AgentPlace[] {
  const counts = new Map<string, number>();
  return nodes.map(({ datacenter }, index) => {
    const turn = counts.get(datacenter) ?? 0;
    counts.set(datacenter, turn + 1);
    const engine = engines[turn % engines.length] ?? engines[0];
    return { engine, isHere: engine === engines[0], address: addressFromEnd(subnet, index) };
  });
}

/**
 * An address of a network, counted from its end: the swarm gives out addresses from the start.
 *
 * @param index - from 0
 */
export function addressFromEnd(subnet: string, index: number): string {
  const [base = "", prefix = ""] = subnet.split("/");
  const start = base.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  // The last is the broadcast address.
  const address = start + 2 ** (32 - Number(prefix)) - 2 - index;
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
