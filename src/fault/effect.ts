import { ConsulError } from "../consul/http.ts";
import { type FoundAgent, isUp } from "../find/existing-cluster.ts";
import { quorumOf, type Raft } from "../find/raft.ts";
import { type AgentClient, ask, servers } from "../ready/agents.ts";
import {
  agreedLeader,
  everyoneNames,
  type Gate,
  overWan,
  raftIsSettled,
  readyGates,
} from "../ready/gates.ts";
import type { FaultAction } from "./fault-inputs.ts";

/** What a fault must lead to. */
export interface Effect {
  /** For the log, for example `another leader, server-1 gone`. */
  readonly what: string;
  /** Whom to ask. */
  readonly asked: readonly FoundAgent[];
  /** What must hold; none where there is nothing to wait for. */
  readonly gates: readonly Gate[];
}

/** How a cluster was before the action. */
export interface Before {
  readonly raft: Raft;
  /** Each node's address by its name; of a stopped one the last. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Agents of other datacenters, which those that come back must see over WAN. */
  readonly elsewhere: readonly FoundAgent[];
}

/** Which nodes are able to do their part afterwards, of those that were and those that were hit. */
type Availability = "gone" | "back" | "untouched";

const availabilityAfter: Readonly<Record<FaultAction, Availability>> = {
  kill: "gone",
  stop: "gone",
  pause: "gone",
  isolate: "gone",
  resume: "back",
  start: "back",
  restart: "back",
  heal: "back",
  "remove-data": "untouched",
};

/**
 * What an action must lead to, given whom it hits and how the cluster was before. Pure.
 *
 * Whether there is a quorum afterwards follows from raft's configuration, not from how many servers
 * the cluster was started with: Consul's autopilot takes a server that has failed out of raft, and
 * a graceful leave does so at once.
 *
 * @param agents - of the one datacenter that is hit
 */
export function effectOf(
  action: FaultAction,
  hit: readonly FoundAgent[],
  agents: readonly FoundAgent[],
  { raft, addresses, elsewhere }: Before,
): Effect {
  const fate = availabilityAfter[action];
  if (fate === "untouched") return { what: "the data is gone", asked: [], gates: [] };
  const isHit = ({ node }: FoundAgent) => hit.some((each) => each.node === node);
  const others = agents.filter((agent) => isUp(agent) && !isHit(agent));
  const working = fate === "back" ? agents.filter((agent) => isHit(agent) || isUp(agent)) : others;
  const leavers = action === "stop" ? hit.map(({ node }) => node) : [];
  const voters = raft.voters.filter((node) => !leavers.includes(node));
  const voting = working.filter(({ node }) => voters.includes(node));
  const names = hit.map(({ node }) => node).join(", ");

  // An isolated server still answers, and must have noticed as well. Not one that has the only
  // vote: it leads on, all by itself.
  const alone = action === "isolate" && voters.length > 1 ? servers(hit) : [];
  if (voters.length === 0 || voting.length < quorumOf(voters.length)) {
    const asked = [...working, ...alone];
    return { what: "no leader anywhere", asked, gates: asked.length === 0 ? [] : [noLeader] };
  }
  if (fate === "back") {
    const away = agents.filter((agent) => !working.includes(agent));
    const awayAt = away.map(({ node }) => addresses.get(node) ?? "");
    const settled = [raftIsSettled(awayAt), ...overWan(working, elsewhere)];
    const gates = [...readyGates, alive(hit), ...settled];
    return { what: `${names} back`, asked: working, gates };
  }
  const isAway = action === "stop" ? haveLeft(hit) : notAlive(hit);
  const noticed = alone.length > 0 ? [aloneGate(alone)] : [];
  const gates = [leaderAmongOthers(hit), isAway, notHealthy(hit), ...noticed];
  return { what: `${names} gone for the others`, asked: working, gates };
}

const noLeader: Gate = {
  name: "no agent reports a leader",
  look: async (agents) => {
    const answers = await ask(agents, (consul) => consul.leader());
    const roles = new Map(agents.map(({ node, role }) => [node, role]));
    const failing = answers.flatMap(({ node, answer }) => {
      if (!(answer instanceof ConsulError))
        return answer === "" ? [] : [`${node}: reports ${answer}`];
      // A client asks a server, so its error says that there is nobody to tell it of a leader.
      return roles.get(node) === "client" ? [] : [`${node}: ${answer.message}`];
    });
    return { status: failing.length === 0 ? "no leader" : "leader still reported", failing };
  },
};

const leaderAmongOthers = (hit: readonly FoundAgent[]): Gate => ({
  name: "another server leads and every agent that remains agrees",
  look: async (agents) => {
    const answers = await ask(agents, (consul) => consul.leader());
    const verdict = agreedLeader(answers);
    if (verdict.failing.length > 0) return verdict;
    const gone = hit.map(({ ip }) => ip);
    const failing = answers.flatMap(({ node, answer }) => {
      const isOld = typeof answer === "string" && gone.includes(answer.replace(/:\d+$/, ""));
      return isOld ? [`${node}: still ${answer}`] : [];
    });
    return { status: failing.length === 0 ? "one leader" : "the old leader", failing };
  },
});

// The gates of a ready cluster ask servers only; clients may learn of it some gossip later.
const alive = (hit: readonly FoundAgent[]): Gate => ({
  name: "every agent takes the node for alive (gossip's own timers)",
  look: async (agents) => everyoneNames(hit, await aliveFor(agents), "alive for all"),
});

const notAlive = (hit: readonly FoundAgent[]): Gate => ({
  name: "no agent that remains takes the node for alive (gossip's own timers)",
  look: async (agents) => nobodyNames(hit, await aliveFor(agents), "alive"),
});

const aliveFor = (agents: readonly AgentClient[]) =>
  ask(agents, async (consul) =>
    (await consul.members()).filter(({ isAlive }) => isAlive).map(({ node }) => node),
  );

// Who missed the leave takes the node for failed, until gossip has told it better.
const haveLeft = (hit: readonly FoundAgent[]): Gate => ({
  name: "the node has left for every agent that remains",
  look: async (agents) => {
    const answers = await ask(agents, async (consul) =>
      (await consul.members()).filter(({ hasLeft }) => !hasLeft).map(({ node }) => node),
    );
    return nobodyNames(hit, answers, "a member");
  },
});

const notHealthy = (hit: readonly FoundAgent[]): Gate => ({
  name: "the node's serfHealth is critical, or the node is out of the catalog",
  look: async (agents) =>
    nobodyNames(hit, await ask(agents, (consul) => consul.healthyNodes()), "healthy"),
});

/** The isolated servers themselves must have noticed that there is no leader for them. */
const aloneGate = (hit: readonly FoundAgent[]): Gate => ({
  name: "the isolated servers answer, and report no leader",
  look: () => noLeader.look(hit),
});

function nobodyNames(
  hit: readonly FoundAgent[],
  answers: readonly { node: string; answer: readonly string[] | ConsulError }[],
  what: string,
) {
  const failing = answers.flatMap(({ node, answer }) => {
    if (answer instanceof ConsulError) return [`${node}: ${answer.message}`];
    const named = hit.filter((each) => answer.includes(each.node)).map((each) => each.node);
    return named.length === 0 ? [] : [`${node}: still ${what}: ${named.join(", ")}`];
  });
  const gone = hit.map(({ node }) => node).join(", ");
  return { status: `${gone} ${failing.length === 0 ? "not" : "still"} ${what}`, failing };
}
