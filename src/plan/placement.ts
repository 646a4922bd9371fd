/** Which agent of a cluster on several engines is where. */
import type { NodeShape } from "../inputs/nodes.ts";

/** Engines of one swarm, and their network. */
export interface SwarmPlace {
  /** Docker contexts, the job's own engine first. */
  readonly engines: readonly [string, ...string[]];
  /** The network's IPv4 addresses: `10.0.1.0/24`. */
  readonly subnet: string;
  /** Addresses of the network that somebody has, or keeps for a container that does not run. */
  readonly taken: ReadonlySet<string>;
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

/** A node that has its place already. */
export interface PlacedNode extends Pick<NodeShape, "role" | "datacenter"> {
  readonly engine: string;
}

/**
 * Spreads agents over engines by role. A server goes to the engine with the fewest servers of its
 * datacenter, so that an engine is a failure domain, and a client to the one with the fewest agents of it;
 * of several such engines, to the first. So the first server is on the job's own.
 *
 * @param nodes - in the order of the plan
 * @param present - nodes that the cluster has already
 * @returns the nodes' places, in the same order
 * @throws Error if the network has too few addresses
 */
export function placeNodes(
  nodes: readonly NodeShape[],
  { engines, subnet, taken }: SwarmPlace,
  present: readonly PlacedNode[] = [],
): AgentPlace[] {
  const placed = [...present];
  const free = freeAddresses(subnet, taken, nodes.length);
  return nodes.map(({ node, role, datacenter }, index) => {
    const counts = engines.map((engine) => ({
      engine,
      agents: placed.filter(
        (each) =>
          each.engine === engine &&
          each.datacenter === datacenter &&
          (role === "client" || each.role === "server"),
      ).length,
    }));
    const [least] = counts.toSorted((a, b) => a.agents - b.agents);
    const engine = least?.engine ?? engines[0];
    placed.push({ role, datacenter, engine });
    const address = free[index];
    if (address === undefined) throw new Error(`${subnet} has no free address for ${node}`);
    return { engine, isHere: engine === engines[0], address };
  });
}

/**
 * Free addresses of a network, from its end: the swarm gives out addresses from the start. The first one
 * is left out, as it is the gateway's by default.
 *
 * @param taken - addresses that are not free
 * @param count - how many are wanted
 * @returns fewer, if there are no more
 */
export function freeAddresses(
  subnet: string,
  taken: ReadonlySet<string>,
  count: number,
): readonly string[] {
  const { first, size } = rangeOf(subnet);
  const free: string[] = [];
  // The last is the broadcast address.
  for (let last = first + size - 2; last > first + 1 && free.length < count; last--) {
    const address = addressText(last);
    if (!taken.has(address)) free.push(address);
  }
  return free;
}

/**
 * The first address of a network as a number, and how many addresses it has.
 *
 * @param subnet - `10.0.1.0/24`; the address may be any of the network
 */
export function rangeOf(subnet: string): { readonly first: number; readonly size: number } {
  const [base = "", prefix = ""] = subnet.split("/");
  const address = base.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(prefix));
  return { first: address - (address % size), size };
}

/** The inverse, for one address. */
export const addressText = (address: number) =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
