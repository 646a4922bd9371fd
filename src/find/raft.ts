import { setTimeout as sleep } from "node:timers/promises";
import { ConsulError } from "../consul/http.ts";
import { ask, byDatacenter, servers } from "../ready/agents.ts";
import { pauseAfter, type WaitLimits } from "../runner/poll.ts";
import { type FoundAgent, type FoundCluster, isUp } from "./existing-cluster.ts";

/** A datacenter's leader and voters, as reported by the servers that could be asked. */
export interface Raft {
  /** Node name; empty if there is no leader. */
  readonly leader: string;
  /** Node names of the voters in Raft's configuration; empty for a voter whose name is unknown. */
  readonly voters: readonly string[];
}

/** One datacenter of a cluster that an earlier step started. */
export interface FoundDatacenter {
  readonly name: string;
  readonly agents: readonly FoundAgent[];
  readonly raft: Raft;
}

/** The number of servers in a quorum of this many voters. */
export const quorumOf = (voters: number) => Math.floor(voters / 2) + 1;

/** Whether enough voters are up to elect a leader. */
function canElect({ agents, raft: { voters } }: FoundDatacenter): boolean {
  const working = agents.filter((agent) => isUp(agent) && voters.includes(agent.node));
  return working.length >= quorumOf(voters.length);
}

/** Whether there is a leader, and enough voters are up. */
export const hasQuorum = (datacenter: FoundDatacenter) =>
  datacenter.raft.leader !== "" && canElect(datacenter);

/** A cluster's datacenters, the primary first. */
export async function datacentersOf({
  agents,
  addresses,
}: Pick<FoundCluster, "agents" | "addresses">): Promise<FoundDatacenter[]> {
  const datacenters = [...byDatacenter(agents)].map(async ([name, there]) => {
    return { name, agents: there, raft: await raftOf(there, addresses) };
  });
  return Promise.all(datacenters);
}

/**
 * The same once an election is over: on a busy machine a leader steps down, and it takes seconds until
 * there is the next.
 *
 * @param isAwaited - whether this datacenter's leader matters
 * @param limits - when time is up, the datacenters as they are then
 */
export async function electedDatacentersOf(
  cluster: Pick<FoundCluster, "agents" | "addresses">,
  isAwaited: (datacenter: FoundDatacenter) => boolean,
  { timeout, signal }: WaitLimits,
): Promise<FoundDatacenter[]> {
  const started = performance.now();
  const isElecting = (datacenter: FoundDatacenter) =>
    isAwaited(datacenter) && datacenter.raft.leader === "" && canElect(datacenter);
  for (;;) {
    const datacenters = await datacentersOf(cluster);
    const waited = performance.now() - started;
    if (waited > timeout || !datacenters.some(isElecting)) return datacenters;
    await sleep(pauseAfter(waited), undefined, { signal });
  }
}

/**
 * The current leader and voters. Each running server is asked for what it knows itself, because
 * without a quorum there is no leader to ask. The newest configuration counts.
 *
 * @param agents - of one datacenter
 * @param addresses - each node's address by node name, stopped nodes included: Consul can't name a
 *   voter that the asked server has never seen as a member
 */
export async function raftOf(
  agents: readonly FoundAgent[],
  addresses: ReadonlyMap<string, string>,
): Promise<Raft> {
  const answers = await ask(servers(agents.filter(isUp)), (consul) => consul.raftPeersAsKnown());
  const known = answers
    .flatMap(({ answer }) => (answer instanceof ConsulError ? [] : [answer]))
    .sort((a, b) => b.index - a.index);
  const peers = known[0]?.peers;
  // If no server can be asked, assume that every server has a vote, as after the start.
  const voters = peers?.filter(({ isVoter }) => isVoter) ?? servers(agents);
  // Followers report a dead leader until they have missed its heartbeats.
  const working = agents.filter(isUp).map(({ node }) => node);
  const leader = known
    .flatMap((each) => each.peers)
    .find(({ node, isLeader }) => isLeader && working.includes(node));
  const nodes = new Map([...addresses].map(([node, ip]) => [ip, node]));
  const names = voters.map(({ node, ip }) => node || (nodes.get(ip) ?? ""));
  return { leader: leader?.node ?? "", voters: names };
}
