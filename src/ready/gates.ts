import type { Member, RaftPeer } from "../consul/answers.ts";
import { ConsulError } from "../consul/http.ts";
import type { PhaseName } from "../runner/timeline.ts";
import {
  type AgentClient,
  type Answer,
  ask,
  byDatacenter,
  byFederation,
  linesOf,
  servers,
} from "./agents.ts";

/** The result of checking a gate once. */
export interface Verdict {
  /** A few words for the log, for example `4 of 6 alive`; empty if there is nothing to say. */
  readonly status: string;
  /** The nodes for which the gate does not hold, each with what was seen. Empty if it holds. */
  readonly failing: readonly string[];
}

/** A condition to wait for. */
export interface Gate {
  /** The condition as a clause, for messages: `every server is a Raft voter`. */
  readonly name: string;
  look(agents: readonly AgentClient[]): Promise<Verdict>;
  /** What there is instead, one line each. Asked once, when time has run out. */
  instead?(agents: readonly AgentClient[]): Promise<readonly string[]>;
}

/** A gate of a start, and the phase of the timeline that ends when it first holds. */
export interface ReadyGate extends Gate {
  readonly phase: PhaseName;
  /** Whether Consul with ACLs answers this only with a token. */
  readonly needsToken: boolean;
}

/** The gates, in the order in which they come to hold. All must hold in one look. */
export const readyGates: readonly ReadyGate[] = [
  {
    name: "every server sees every agent alive",
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
    name: "all agents report the same leader",
    phase: "election",
    needsToken: false,
    look: async (agents) => agreedLeader(await ask(agents, (consul) => consul.leader())),
  },
  {
    name: "every server is a Raft voter",
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
    name: "a consistent read through every agent, and a stale read of every server, show every node in the catalog with a passing serfHealth check",
    phase: "catalog",
    needsToken: true,
    look: async (agents) => {
      // A new leader delays consistent reads for longer than it needs to get ready. So a consistent
      // read is made only once an ordinary read shows that the leader has done its work.
      const first = await ask(agents.slice(0, 1), (consul) => consul.healthyNodes());
      const verdict = everyoneNames(agents, first, "healthy in the catalog");
      if (verdict.failing.length > 0) return verdict;
      const answers = await Promise.all([
        ask(agents, (consul) => consul.healthyNodes("consistent")),
        // DNS answers from the state of the server it asks (`dns_config.allow_stale`).
        ask(servers(agents), (consul) => consul.healthyNodes("stale")),
      ]);
      return everyoneNames(agents, answers.flat(), "healthy in the catalog");
    },
  },
];

/** Between datacenters that are joined over WAN. */
export const wanGate: ReadyGate = {
  name: "every server sees the servers of all other datacenters alive over WAN, and catalog queries for them succeed through every agent",
  phase: "wan",
  needsToken: true,
  look: async (agents) => together(await Promise.all(joinedOverWan(agents).map(lookOverWan))),
};

/** The agents of datacenters that are joined over WAN with others, by federation. */
const joinedOverWan = (agents: readonly AgentClient[]) =>
  [...byFederation(agents).values()].filter((joined) => byDatacenter(joined).size > 1);

async function lookOverWan(agents: readonly AgentClient[]): Promise<Verdict> {
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
    return everyoneNames(there, answers, `of ${datacenter} in the catalog from elsewhere`);
  });
  return together([verdict, ...(await Promise.all(queries))]);
}

/**
 * Every agent has registered its own node, so it has synced all it has. Every server of these agents knows it: if the
 * leader falls silent before another server has learned of a registration, the agent would register itself anew.
 */
export const syncGate: Gate = {
  name: "every agent has synced with the catalog",
  look: async (agents) => {
    const looks = [...byDatacenter(agents).values()].map(async (there) => {
      const own = servers(there);
      const asked = own.length > 0 ? own : there.slice(0, 1);
      const answers = await ask(asked, (consul) => consul.syncedNodes());
      return everyoneNames(there, answers, "synced with the catalog");
    });
    return together(await Promise.all(looks));
  },
};

/** Several verdicts as one: it holds if all do. */
export const together = (verdicts: readonly Verdict[]): Verdict => ({
  status: statusText(verdicts.map(({ status }) => status)),
  failing: verdicts.flatMap(({ failing }) => failing),
});

/** What several verdicts say, for the log. */
export const statusText = (statuses: readonly string[]) =>
  statuses.filter((status) => status !== "").join(", ");

/** The same gate for each datacenter by itself. */
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

/** The gates for these agents, in the order in which they are checked. */
export function gatesFor(agents: readonly AgentClient[], hasTokens: boolean): readonly ReadyGate[] {
  const gates = hasTokens ? gatesWithTokens : readyGates;
  if (byDatacenter(agents).size === 1) return gates;
  return [...gates.map(inEachDatacenter), ...(joinedOverWan(agents).length > 0 ? [wanGate] : [])];
}

// Servers know no token before there is a leader. Asking with one earlier gives no answer, and fills
// the servers' logs with refusals.
const gatesWithTokens = readyGates.toSorted((a, b) => Number(a.needsToken) - Number(b.needsToken));

/** The same gates, which always ask these agents. None if there is no agent to ask. */
export function asking(agents: readonly AgentClient[], gates: readonly Gate[]): Gate[] {
  if (agents.length === 0) return [];
  return gates.map(({ name, look }) => ({ name, look: () => look(agents) }));
}

/** Holds if each answer names all expected nodes. The status counts the worst answer. */
export function everyoneNames(
  expected: readonly Pick<AgentClient, "node">[],
  answers: readonly Answer<readonly string[]>[],
  what: string,
): Verdict {
  const views = answers.map(({ node, answer }) => {
    const named = answer instanceof ConsulError ? [] : answer;
    const missing = expected.map((agent) => agent.node).filter((name) => !named.includes(name));
    const seen =
      answer instanceof ConsulError ? answer.message : `not ${what}: ${missing.join(", ")}`;
    return { missing: missing.length, line: `${node}: ${seen}` };
  });
  const worst = Math.max(...views.map(({ missing }) => missing));
  return {
    status: `${expected.length - worst} of ${expected.length} ${what}`,
    failing: views.filter(({ missing }) => missing > 0).map(({ line }) => line),
  };
}

/** Holds if no answer names any of these nodes. */
export function noneNames(
  nodes: readonly Pick<AgentClient, "node">[],
  answers: readonly Answer<readonly string[]>[],
  what: string,
): Verdict {
  const names = nodes.map(({ node }) => node);
  const failing = linesOf(answers, (answer) => {
    // The asked agent itself is there. Who lists nothing can't tell who is.
    if (answer.length === 0) return [`no node ${what}`];
    const named = names.filter((name) => answer.includes(name));
    return named.length === 0 ? [] : [`still ${what}: ${named.join(", ")}`];
  });
  const adverb = failing.length === 0 ? "not" : "still";
  return { status: `${names.join(", ")} ${adverb} ${what}`, failing };
}

/** Holds if all answers name the same leader. */
export function agreedLeader(answers: readonly Answer<string>[]): Verdict {
  const leaders = new Set(
    answers.map(({ answer }) => (answer instanceof ConsulError ? "" : answer)),
  );
  if (leaders.size === 1 && !leaders.has("")) return { status: "one leader", failing: [] };
  const failing = linesOf(answers, (answer) => [answer || "no leader"]);
  const isLed = leaders.size > 1;
  return { status: isLed ? "agents disagree about the leader" : "no leader", failing };
}

/** The WAN gate for these agents; none if none of their datacenters are joined over WAN. */
export const overWan = (agents: readonly AgentClient[]): Gate[] =>
  joinedOverWan(agents).length === 0 ? [] : asking(agents, [wanGate]);

/**
 * Raft may still know an agent by an address it no longer has. And a server that lost its data gets a
 * new ID, while its old ID stays a voter until it is removed from Raft.
 *
 * @param away - addresses of nodes that are down: these may stay in Raft. A server that became leader
 *   without having seen such a node as a member does not even know its name.
 */
export const raftIsSettled = (away: readonly string[]): Gate => ({
  name: "Raft has only members, each with its own ID and address",
  look: async (agents) => {
    const answers = await ask(servers(agents), async (consul) => {
      const [peers, members] = await Promise.all([consul.raftPeers(), consul.members()]);
      return peers.filter((peer) => !members.some(isPeer(peer)) && !away.includes(peer.ip));
    });
    const failing = linesOf(answers, (stale) =>
      stale.map(
        ({ node, ip, id }) =>
          `Raft has ${node || "a server"} at ${ip} (ID ${id}), which is no member`,
      ),
    );
    return { status: failing.length === 0 ? "Raft settled" : "stale servers in Raft", failing };
  },
});

/** Up to Raft protocol 2, which Consul 1.9 removed, a server's ID in Raft is its address. */
const isPeer = (peer: RaftPeer) => (member: Member) =>
  member.ip === peer.ip && (member.id === peer.id || peer.id.startsWith(`${peer.ip}:`));
