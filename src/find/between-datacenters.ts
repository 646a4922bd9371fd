/** What must hold between the datacenters of a cluster that an earlier step started. */
import type { Peers } from "../inputs/peerings.ts";
import { type Gate, overWan } from "../ready/gates.ts";
import { peeringGates, peeringsOf } from "../ready/peerings.ts";
import type { FoundAgent } from "./existing-cluster.ts";

/** Gates on the datacenters that are joined over WAN, and on peerings. @param agents - that work */
export const betweenDatacenters = (agents: readonly FoundAgent[]): Gate[] => [
  ...overWan(agents),
  ...peeringsGates(agents),
];

/** Gates on the peerings of which both sides have a server. @param agents - that work */
export const peeringsGates = (agents: readonly FoundAgent[]): Gate[] =>
  peeringGates(peeringsOf(peersOf(agents), agents));

/** The peerings that the start of a cluster has established. */
export function peersOf(agents: readonly Pick<FoundAgent, "datacenter" | "dials">[]): Peers[] {
  const dialed = new Map(agents.map(({ datacenter, dials }) => [datacenter, dials]));
  return [...dialed].flatMap(([dialer, dials]) => dials.map((acceptor) => ({ acceptor, dialer })));
}
