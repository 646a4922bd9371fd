/** The addresses of a cluster's own overlay network. */
import { networkInterfaces } from "node:os";
import type { Engines } from "../docker/engines.ts";
import { addressText, rangeOf } from "../plan/placement.ts";

/**
 * Addresses that a network needs besides its agents': its own, the gateway's, broadcast, one for each engine
 * (Docker's load balancer), those of forwarders and short-lived containers, and room to scale.
 */
const reserve = 50;

/** Private networks (RFC 1918). Docker's own defaults come from the beginning of each. */
const privateNetworks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/**
 * The subnet of a cluster's own network, if the one that the swarm would choose is too small.
 *
 * @param agents - how many there will be
 * @returns undefined if the swarm may choose
 */
export async function subnetFor(engines: Engines, agents: number): Promise<string | undefined> {
  const needed = agents + reserve;
  const { prefixLength } = await engines.swarm();
  if (2 ** (32 - prefixLength) >= needed) return undefined;
  // The engine creates a network that overlaps with another, and containers then fail to join it.
  const used = [...(await engines.allSubnets()), ...ownSubnets()];
  // Without a free one, the swarm's is tried.
  return freeSubnet(32 - Math.ceil(Math.log2(needed)), used);
}

/** Networks that this machine is on. */
function ownSubnets(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.flatMap(({ family, cidr }) => (family === "IPv4" && cidr !== null ? [cidr] : []));
}

/**
 * The last private network of a size that shares no address with others. Pure.
 *
 * @param prefixLength - of the network that is wanted
 * @param used - `10.0.1.0/24`; an address in the network will do
 */
export function freeSubnet(prefixLength: number, used: readonly string[]): string | undefined {
  const size = 2 ** (32 - prefixLength);
  const others = used.map(rangeOf);
  for (const network of privateNetworks.map(rangeOf)) {
    for (let first = network.first + network.size - size; first >= network.first; first -= size) {
      const meets = others.some(
        (other) => first < other.first + other.size && other.first < first + size,
      );
      if (!meets) return `${addressText(first)}/${prefixLength}`;
    }
  }
  return undefined;
}
