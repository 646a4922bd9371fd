import { InputError } from "../errors.ts";
import { type FoundAgent, isUp, type NodeState } from "../find/existing-cluster.ts";
import { quorumOf, type Raft } from "../find/raft.ts";
import type { FaultAction, FaultSpec, Target, TargetWord } from "./fault-inputs.ts";

/** In which states a node must be for an action. */
export const statesFor: Readonly<Record<FaultAction, readonly NodeState[]>> = {
  kill: ["running", "isolated"],
  stop: ["running"],
  pause: ["running"],
  resume: ["paused"],
  start: ["stopped"],
  restart: ["running", "isolated"],
  isolate: ["running"],
  heal: ["isolated"],
  "remove-data": ["stopped"],
};

const wayBack: Readonly<Record<NodeState, string>> = {
  running: "Break it first.",
  isolated: "`heal` ends that.",
  paused: "`resume` ends that.",
  stopped: "`start` brings it back.",
};

/**
 * The agents of the datacenter that a fault is about: who leads, who votes and what a quorum is are
 * matters of one datacenter. It is the one that is named, or that of the nodes that are.
 *
 * @throws InputError where several are left
 */
export function agentsMeant(
  agents: readonly FoundAgent[],
  { datacenter, target }: Pick<FaultSpec, "datacenter" | "target">,
): readonly FoundAgent[] {
  const isNamed = ({ node }: FoundAgent) => "names" in target && target.names.includes(node);
  const named = agents.some(isNamed) ? agents.filter(isNamed) : agents;
  const [meant, ...others] = datacenter === "" ? datacentersOf(named) : [datacenter];
  const there = agents.filter((agent) => agent.datacenter === meant);
  if (there.length > 0 && others.length === 0) return there;
  const all = datacentersOf(agents).join(", ");
  const message =
    datacenter === ""
      ? `A step hits nodes of one datacenter, and this cluster has several: say which by \`datacenter\`, one of ${all}, or by names of its nodes in \`target\`.`
      : `Input \`datacenter\` is "${datacenter}", but the cluster's datacenters are ${all}.`;
  throw new InputError([{ input: "datacenter", message }]);
}

const datacentersOf = (agents: readonly FoundAgent[]) => [
  ...new Set(agents.map(({ datacenter }) => datacenter)),
];

/**
 * Turns a target into the nodes that it means at the moment.
 *
 * @throws InputError where it means nobody, or a node that this can't be done to
 */
export function resolveTarget(
  action: FaultAction,
  target: Target,
  agents: readonly FoundAgent[],
  raft: Raft,
): FoundAgent[] {
  if ("names" in target) return namedAgents(action, target.names, agents);
  const able = agents.filter(({ state }) => statesFor[action].includes(state));
  const hit = "all" in target ? able : byWord[target.word](able, raft);
  if (hit.length > 0) return hit;
  const meant = "all" in target ? "nobody" : `"${target.word}"`;
  const now = agents.map(({ node, state }) => stateInWords(node, state, raft)).join(", ");
  throw refuse(
    `Input \`target\` means ${meant}, but there is no such node that "${action}" can be done to. Now: ${now}.`,
  );
}

const stateInWords = (node: string, state: NodeState, { leader }: Raft) =>
  `${node} ${state}${node === leader ? " (leader)" : ""}`;

function namedAgents(action: FaultAction, names: readonly string[], agents: readonly FoundAgent[]) {
  return names.map((name) => {
    const agent = agents.find(({ node }) => node === name);
    if (!agent)
      throw refuse(
        `Input \`target\` names "${name}", but the cluster's nodes are ${agents.map(({ node }) => node).join(", ")}.`,
      );
    if (statesFor[action].includes(agent.state)) return agent;
    throw refuse(
      `Node ${name} is ${agent.state}, and "${action}" needs one that is ${statesFor[action].join(" or ")}. ${wayBack[agent.state]}`,
    );
  });
}

const refuse = (message: string) => new InputError([{ input: "target", message }]);

const ofRole = (agents: readonly FoundAgent[], role: string) =>
  agents.filter((agent) => agent.role === role);

/** What each word means among the nodes that the action can be done to. */
const byWord: Readonly<
  Record<TargetWord, (able: readonly FoundAgent[], raft: Raft) => FoundAgent[]>
> = {
  leader: (able, { leader }) => able.filter(({ node }) => node === leader),
  follower: (able, { leader }) =>
    leader === ""
      ? []
      : ofRole(able, "server")
          .filter(({ node }) => node !== leader)
          .slice(0, 1),
  server: (able) => ofRole(able, "server").slice(0, 1),
  client: (able) => ofRole(able, "client").slice(0, 1),
  "all-clients": (able) => ofRole(able, "client"),
  minority: (able, raft) => {
    const voters = leaderLast(able, raft);
    return voters.slice(0, Math.max(0, voters.length - quorumOf(raft.voters.length)));
  },
  majority: (able, raft) => {
    const voters = leaderLast(able, raft);
    return voters.slice(0, Math.max(0, voters.length - quorumOf(raft.voters.length) + 1));
  },
};

/** The voters that work, the leader last, so that it is hit only where followers are too few. */
function leaderLast(able: readonly FoundAgent[], { leader, voters }: Raft): FoundAgent[] {
  const working = able.filter((agent) => isUp(agent) && voters.includes(agent.node));
  return [
    ...working.filter(({ node }) => node !== leader),
    ...working.filter(({ node }) => node === leader),
  ];
}
