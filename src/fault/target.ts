import { InputError } from "../errors.ts";
import { type FoundAgent, isUp, type NodeState } from "../find/existing-cluster.ts";
import { labelOf } from "../find/node-facts.ts";
import { type FoundDatacenter, quorumOf, type Raft } from "../find/raft.ts";
import { labelNames } from "../plan/labels.ts";
import type { FaultAction, Target } from "./fault-inputs.ts";
import type { TargetWord } from "./target-words.ts";

/** The states in which a node must be for an action. */
export const statesFor: Readonly<Record<FaultAction, readonly NodeState[]>> = {
  kill: ["running", "isolated", "impaired"],
  stop: ["running", "impaired"],
  pause: ["running", "impaired"],
  resume: ["paused"],
  start: ["stopped"],
  restart: ["running", "isolated", "impaired"],
  isolate: ["running"],
  partition: ["running"],
  delay: ["running"],
  loss: ["running"],
  bandwidth: ["running"],
  heal: ["isolated", "partitioned", "impaired"],
  "remove-data": ["stopped"],
};

/** What brings a running node into each state. */
const causes: Readonly<Record<NodeState, readonly FaultAction[]>> = {
  running: ["start"],
  isolated: ["isolate"],
  partitioned: ["partition"],
  impaired: ["delay", "loss", "bandwidth"],
  paused: ["pause"],
  stopped: ["kill", "stop"],
};

/** What makes a node in each state a running one again. */
const remedies: Readonly<Record<Exclude<NodeState, "running">, string>> = {
  isolated: "`heal`",
  partitioned: "`heal`",
  impaired: "`heal`",
  paused: "`resume`",
  stopped: "`start`",
};

/**
 * The datacenters that a step acts on: the one named in `datacenter`, else the one of the nodes
 * named in `target`. Without a target, the step brings nodes back in all datacenters.
 *
 * @throws InputError if there is no such datacenter, or if several are left to choose from
 */
export function targetDatacenters(
  all: readonly FoundDatacenter[],
  { datacenter, target }: { readonly datacenter: string; readonly target: Target },
): readonly FoundDatacenter[] {
  const names = all.map(({ name }) => name).join(", ");
  if (datacenter !== "") {
    const named = all.filter(({ name }) => name === datacenter);
    if (named.length > 0) return named;
    throw datacenterError(
      `Input \`datacenter\` is "${datacenter}", but the cluster's datacenters are ${names}.`,
    );
  }
  if ("all" in target || "engine" in target) return all;
  const hasNamed = ({ agents }: FoundDatacenter) =>
    "names" in target && agents.some(({ node }) => target.names.includes(node));
  const candidates = all.some(hasNamed) ? all.filter(hasNamed) : all;
  if (candidates.length === 1) return candidates;
  throw datacenterError(
    `A step acts on one datacenter, and this cluster has several. Set \`datacenter\` to one of ${names}, or name only nodes of one datacenter.`,
  );
}

const datacenterError = (message: string) => new InputError([{ input: "datacenter", message }]);

/**
 * The nodes that a target matches right now.
 *
 * @param datacenters - those that the step acts on
 * @throws InputError if it matches none, or names a node that the action can't act on
 */
export function resolveTarget(
  { action, target }: { readonly action: FaultAction; readonly target: Target },
  datacenters: readonly FoundDatacenter[],
): FoundAgent[] {
  const agents = datacenters.flatMap((each) => each.agents);
  if ("names" in target) return namedAgents(action, target.names, agents);
  if ("engine" in target) return agentsOn(action, target.engine, agents);
  const hit = datacenters.flatMap((datacenter) => {
    const able = datacenter.agents.filter(({ state }) => statesFor[action].includes(state));
    return "all" in target ? able : agentsFor[target.word](able, datacenter.raft);
  });
  if (hit.length > 0) return hit;
  const leaders = datacenters.map(({ raft }) => raft.leader);
  const states = agents.map(
    ({ node, state }) => `${node} ${state}${leaders.includes(node) ? " (leader)" : ""}`,
  );
  const problem =
    "all" in target
      ? `There is no node that \`${action}\` can act on`
      : `\`target: ${target.word}\` matches no node that \`${action}\` can act on`;
  throw targetError(`${problem}. States: ${states.join(", ")}.`);
}

/** The nodes of an engine that an action can act on. */
function agentsOn(
  action: FaultAction,
  engine: string,
  agents: readonly FoundAgent[],
): FoundAgent[] {
  const there = agents.filter((agent) => agent.engine === engine);
  const able = there.filter(({ state }) => statesFor[action].includes(state));
  if (able.length > 0) return able;
  if (there.length > 0) {
    const states = there.map(({ node, state }) => `${node} ${state}`).join(", ");
    throw targetError(
      `\`target: engine:${engine}\` matches no node that \`${action}\` can act on. States: ${states}.`,
    );
  }
  const engines = enginesOf(agents);
  if (engines.length === 0)
    throw targetError(
      `Input \`target\` is "engine:${engine}", but this cluster is on one engine, and its nodes have no other: name nodes, or a role.`,
    );
  throw targetError(
    engines.includes(engine)
      ? `Input \`target\` is "engine:${engine}", which has no node of the cluster. Nodes are on ${[...new Set(agents.map((agent) => agent.engine))].join(", ")}.`
      : `Input \`target\` names the engine "${engine}", but the cluster's engines are ${engines.join(", ")}.`,
  );
}

/** Docker contexts of the cluster's engines, those without a node included; empty if it is on one. */
const enginesOf = (agents: readonly FoundAgent[]): string[] => [
  ...new Set(
    agents
      .flatMap(({ facts, engine }) => [...labelOf(facts, labelNames.engines).split(" "), engine])
      .filter((name) => name !== ""),
  ),
];

/**
 * The nodes of these names.
 *
 * @param input - in which the user wrote them
 * @throws InputError if there is no such node, or it is in the wrong state
 */
export function namedAgents(
  action: FaultAction,
  names: readonly string[],
  agents: readonly FoundAgent[],
  input = "target",
): FoundAgent[] {
  const refused = (message: string) => new InputError([{ input, message }]);
  return names.map((name) => {
    const agent = agents.find(({ node }) => node === name);
    if (!agent)
      throw refused(
        `Input \`${input}\` names "${name}", but the cluster's nodes are ${agents.map(({ node }) => node).join(", ")}.`,
      );
    if (statesFor[action].includes(agent.state)) return agent;
    throw refused(wrongState(action, agent));
  });
}

function wrongState(action: FaultAction, { node, state }: FoundAgent): string {
  const states = statesFor[action];
  const actions = states.flatMap((each) => causes[each]).map((each) => `\`${each}\``);
  const first = state === "running" ? oneOf(actions) : remedies[state];
  const article = states[0] === "isolated" ? "an" : "a";
  return `Node ${node} is ${state}; \`${action}\` needs ${article} ${oneOf(states)} node: ${first} it first.`;
}

/** `a`, `a or b`, `a, b, or c`. */
function oneOf(words: readonly string[]): string {
  if (words.length < 3) return words.join(" or ");
  return `${words.slice(0, -1).join(", ")}, or ${words.at(-1)}`;
}

const targetError = (message: string) => new InputError([{ input: "target", message }]);

/** What messages say of a cluster that is partitioned; undefined if it is not. */
function partitionText(agents: readonly FoundAgent[]): string | undefined {
  const partitioned = agents.filter(({ state }) => state === "partitioned");
  if (partitioned.length === 0) return undefined;
  return `The cluster is partitioned (${partitioned.map(({ node }) => node).join(", ")})`;
}

/**
 * @param agents - all of the cluster
 * @throws InputError if the cluster is partitioned: then it can only be healed
 */
export function refusePartitioned(action: FaultAction, agents: readonly FoundAgent[]): void {
  const there = partitionText(agents);
  if (there === undefined || action === "heal") return;
  const message = `${there}: \`heal\` it before \`${action}\`.`;
  throw new InputError([{ input: "action", message }]);
}

/**
 * A partition is healed as a whole: a node that sees several sides would join them by gossip.
 *
 * @param agents - all of the cluster
 * @param hit - those that are to be healed
 * @throws InputError if only a part of a partition is
 */
export function refuseHealingPart(agents: readonly FoundAgent[], hit: readonly FoundAgent[]): void {
  const isLeft = ({ node, state }: FoundAgent) =>
    state === "partitioned" && !hit.some((each) => each.node === node);
  if (!agents.some(isLeft)) return;
  throw targetError(
    `${partitionText(agents)}, and \`heal\` ends that as a whole: leave \`target\` and \`datacenter\` empty.`,
  );
}

const ofRole = (agents: readonly FoundAgent[], role: string) =>
  agents.filter((agent) => agent.role === role);

/** What each word matches, among the nodes of a datacenter that the action can act on. */
export const agentsFor: Readonly<
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

/** The voters that are up. The leader comes last, so that it is taken only if followers run out. */
function leaderLast(able: readonly FoundAgent[], { leader, voters }: Raft): FoundAgent[] {
  const working = able.filter((agent) => isUp(agent) && voters.includes(agent.node));
  return [
    ...working.filter(({ node }) => node !== leader),
    ...working.filter(({ node }) => node === leader),
  ];
}
