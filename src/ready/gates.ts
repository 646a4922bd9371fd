import type { Member, RaftPeer } from "../consul/answers.ts";
import { ConsulError } from "../consul/http.ts";
import type { PhaseName } from "../runner/timeline.ts";
import { type AgentClient, type Answer, ask, byDatacenter, servers } from "./agents.ts";

/** What one look at the cluster tells of a gate. */
export interface Verdict {
  /** A few words for the log, for example `4 of 6 alive`. */
  readonly status: string;
  /** For whom the gate does not hold, and what was seen there. Empty where it holds. */
  readonly failing: readonly string[];
}

/** Something that must be true before a wait is over. */
export interface Gate {
  readonly name: string;
  look(agents: readonly AgentClient[]): Promise<Verdict>;
}

/** A gate of a start, and the phase of the timeline that ends when it first holds. */
export interface ReadyGate extends Gate {
  readonly phase: PhaseName;
  /** Whether Consul answers this only to a token, where it has ACLs. */
  readonly needsToken: boolean;
}

/** The gates in the order in which they come true. All must hold in one look. */
export const readyGates: readonly ReadyGate[] = [
  {
    name: "every agent is an alive member, as each server sees it",
    phase: "gossip",
    needsToken: true,
    look: async (agents) => {
      const answers = await ask(servers(agents), async (consul) =>
        (await consul.members()).filter(({ isAlive }) => isAlive).map(({ node }) => node),
      );
      return everyoneNames(agents, answers, "alive");
    },
  },
  {
    name: "there is one leader, the same one asked from every agent",
    phase: "election",
    needsToken: false,
    look: async (agents) => agreedLeader(await ask(agents, (consul) => consul.leader())),
  },
  {
    name: "every server is a raft voter",
    phase: "voters",
    needsToken: true,
    look: async (agents) => {
      const answers = await ask(servers(agents), async (consul) =>
        (await consul.raftPeers()).filter(({ isVoter }) => isVoter).map(({ node }) => node),
      );
      return everyoneNames(servers(agents), answers, "voting");
    },
  },
  {
    name: "every node is in the catalog with a passing serfHealth, by a consistent read through every agent",
    phase: "catalog",
    needsToken: true,
    look: async (agents) => {
      // A leader that is not settled holds up consistent reads, longer than it needs to settle. So
      // it is asked for one only when an ordinary read shows all that it has to do is done.
      const first = await ask(agents.slice(0, 1), (consul) => consul.healthyNodes());
      const verdict = everyoneNames(agents, first, "healthy in the catalog");
      if (verdict.failing.length > 0) return verdict;
      const answers = await ask(agents, (consul) => consul.healthyNodes("consistent"));
      return everyoneNames(agents, answers, "healthy in the catalog");
    },
  },
];

/** Between datacenters, where there are several. */
export const wanGate: ReadyGate = {
  name: "each server sees every other datacenter's servers alive over WAN, and a catalog query for each other datacenter succeeds through every agent",
  phase: "wan",
  needsToken: true,
  look: async (agents) => {
    const everyServer = servers(agents);
    const seen = await ask(everyServer, async (consul) =>
      (await consul.members("wan")).filter(({ isAlive }) => isAlive).map(({ node }) => node),
    );
    const wanNames = everyServer.map((agent) => ({ node: `${agent.node}.${agent.datacenter}` }));
    const verdict = everyoneNames(wanNames, seen, "alive over WAN");
    if (verdict.failing.length > 0) return verdict;
    const queries = [...byDatacenter(agents)].map(async ([datacenter, there]) => {
      const others = agents.filter((agent) => agent.datacenter !== datacenter);
      const answers = await ask(others, (consul) => consul.healthyNodes("default", datacenter));
      return everyoneNames(there, answers, `of ${datacenter} in its catalog for all`);
    });
    return together([verdict, ...(await Promise.all(queries))]);
  },
};

const together = (verdicts: readonly Verdict[]): Verdict => ({
  status: verdicts.map(({ status }) => status).join(", "),
  failing: verdicts.flatMap(({ failing }) => failing),
});

/** The same gate, which must hold in each datacenter on its own. */
function inEachDatacenter(gate: ReadyGate): ReadyGate {
  const look: Gate["look"] = async (agents) => {
    const looks = [...byDatacenter(agents)].map(async ([datacenter, there]) => {
      const { status, failing } = await gate.look(there);
      return { status: `${datacenter}: ${status}`, failing };
    });
    return together(await Promise.all(looks));
  };
  return { ...gate, look };
}

/** The gates for these agents, in the order in which they are looked at. */
export function gatesFor(agents: readonly AgentClient[], hasTokens: boolean): readonly ReadyGate[] {
  const gates = hasTokens ? gatesWithTokens : readyGates;
  return byDatacenter(agents).size > 1 ? [...gates.map(inEachDatacenter), wanGate] : gates;
}

// No server knows a token before there is a leader. Who asks with one earlier learns nothing, and
// fills the servers' logs with refusals.
const gatesWithTokens = readyGates.toSorted((a, b) => Number(a.needsToken) - Number(b.needsToken));

/** Holds where each answer names all of the wanted nodes; counts what the worst answer names. */
export function everyoneNames(
  wanted: readonly Pick<AgentClient, "node">[],
  answers: readonly Answer<readonly string[]>[],
  what: string,
): Verdict {
  const views = answers.map(({ node, answer }) => {
    const named = answer instanceof ConsulError ? [] : answer;
    const lacking = wanted.map((agent) => agent.node).filter((name) => !named.includes(name));
    const seen =
      answer instanceof ConsulError ? answer.message : `not ${what}: ${lacking.join(", ")}`;
    return { lacks: lacking.length, line: `${node}: ${seen}` };
  });
  const worst = Math.max(...views.map(({ lacks }) => lacks));
  return {
    status: `${wanted.length - worst} of ${wanted.length} ${what}`,
    failing: views.filter(({ lacks }) => lacks > 0).map(({ line }) => line),
  };
}

/** Holds where all answers name the same leader. */
export function agreedLeader(answers: readonly Answer<string>[]): Verdict {
  const leaders = new Set(
    answers.map(({ answer }) => (answer instanceof ConsulError ? "" : answer)),
  );
  if (leaders.size === 1 && !leaders.has("")) return { status: "one leader", failing: [] };
  const failing = answers.map(
    ({ node, answer }) =>
      `${node}: ${answer instanceof ConsulError ? answer.message : answer || "no leader"}`,
  );
  const isLed = leaders.size > 1;
  return { status: isLed ? "leader not known to all" : "no leader", failing };
}

/** That these agents and those of other datacenters see each other, where there are such. */
export function overWan(agents: readonly AgentClient[], elsewhere: readonly AgentClient[]): Gate[] {
  const look = () => wanGate.look([...agents, ...elsewhere]);
  return elsewhere.length === 0 ? [] : [{ name: wanGate.name, look }];
}

/**
 * An agent that got another address is known by its old one for a while. And a server that lost its
 * data has a new ID: the old one stays a voter until it is taken out of raft.
 *
 * @param away - addresses of nodes that are down: they may still be in raft. A server that became
 *   leader without ever having seen one of them as a member does not even know its name.
 */
export const raftIsSettled = (away: readonly string[]): Gate => ({
  name: "raft has members only, each by its own ID and address",
  look: async (agents) => {
    const answers = await ask(servers(agents), async (consul) => {
      const [peers, members] = await Promise.all([consul.raftPeers(), consul.members()]);
      return peers.filter((peer) => !members.some(isPeer(peer)) && !away.includes(peer.ip));
    });
    const failing = answers.flatMap(({ node, answer }) => {
      if (answer instanceof ConsulError) return [`${node}: ${answer.message}`];
      return answer.map(
        (peer) =>
          `${node}: raft has ${peer.node || "a server"} at ${peer.ip} (ID ${peer.id}), and no member is that`,
      );
    });
    return { status: failing.length === 0 ? "raft settled" : "old servers in raft", failing };
  },
});

/** Up to raft protocol 2, which Consul 1.9 removed, a server's ID in raft is its address. */
const isPeer = (peer: RaftPeer) => (member: Member) =>
  member.ip === peer.ip && (member.id === peer.id || peer.id.startsWith(`${peer.ip}:`));
