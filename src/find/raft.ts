import { ConsulError } from "../consul/http.ts";
import { ask, byDatacenter, servers } from "../ready/agents.ts";
import { type FoundAgent, isUp } from "./existing-cluster.ts";

/** Who leads and who votes, as the agents say that could be asked. */
export interface Raft {
  /** Node name; empty for none. */
  readonly leader: string;
  /** Node names of the voters in raft's configuration; empty for one that nobody can name. */
  readonly voters: readonly string[];
}

/** Servers that a quorum of so many voters takes. */
export const quorumOf = (voters: number) => Math.floor(voters / 2) + 1;

/** Whether a leader has the votes of enough voters that work. */
export function hasQuorum(agents: readonly FoundAgent[], { leader, voters }: Raft): boolean {
  const working = agents.filter((agent) => isUp(agent) && voters.includes(agent.node));
  return leader !== "" && working.length >= quorumOf(voters.length);
}

/**
 * Who leads and who votes now. Each server that works is asked what it knows itself, since without
 * a quorum there is no leader to ask; the one with the newest configuration is believed.
 *
 * @param addresses - each node's by its name, down or not: Consul does not name a voter that the
 *   server it asks has never seen as a member
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
  // Where no server can be asked, the cluster is taken for what it was started as.
  const voters = peers?.filter(({ isVoter }) => isVoter) ?? servers(agents);
  // Followers name a leader that is gone until they have missed its heartbeats.
  const working = agents.filter(isUp).map(({ node }) => node);
  const leader = known
    .flatMap((each) => each.peers)
    .find(({ node, isLeader }) => isLeader && working.includes(node));
  const nodes = new Map([...addresses].map(([node, ip]) => [ip, node]));
  const names = voters.map(({ node, ip }) => node || (nodes.get(ip) ?? ""));
  return { leader: leader?.node ?? "", voters: names };
}

/** Of these agents the ones that are up, in datacenters that have a leader. */
export async function ledAmong(
  agents: readonly FoundAgent[],
  addresses: ReadonlyMap<string, string>,
): Promise<FoundAgent[]> {
  const parts = [...byDatacenter(agents).values()].map(async (there) =>
    hasQuorum(there, await raftOf(there, addresses)) ? there.filter(isUp) : [],
  );
  return (await Promise.all(parts)).flat();
}
