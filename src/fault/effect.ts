import { betweenDatacenters } from "../find/between-datacenters.ts";
import { type FoundAgent, isUp } from "../find/existing-cluster.ts";
import { aliveForAll, leftForAll } from "../find/gossip.ts";
import { outOfCatalog } from "../find/leave.ts";
import { type FoundDatacenter, hasQuorum, quorumOf } from "../find/raft.ts";
import { servers } from "../ready/agents.ts";
import { asking, type Gate, raftIsSettled, readyGates } from "../ready/gates.ts";
import { announcedGate } from "../ready/legacy-acls.ts";
import {
  aloneGate,
  leaderAmongOthers,
  namesOf,
  noLeader,
  notHealthy,
  notSeenAlive,
} from "./effect-gates.ts";
import type { NodeAction } from "./fault-inputs.ts";
import { includes } from "./step.ts";
import type { Led, Sign, Watched } from "./watch.ts";

/** What a step waits for. */
export interface Effect {
  /** For the log, for example `server-1 is gone for all other agents`. */
  readonly what: string;
  /** The agents that the gates ask. They must keep running. */
  readonly asked: readonly FoundAgent[];
  /** What must hold; empty if there is nothing to wait for. */
  readonly gates: readonly Gate[];
  /** What the timeline of the step has. */
  readonly watched: Watched;
}

/** A cluster before the action. */
export interface Before {
  readonly datacenters: readonly FoundDatacenter[];
  /** Each node's address by node name. For a stopped node, its last. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** Whether the affected nodes work afterwards. */
type Availability = "gone" | "back" | "untouched";

const availabilityAfter: Readonly<Record<NodeAction, Availability>> = {
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
 * What a step waits for, from the affected agents and the cluster before the action. Pure.
 *
 * Each affected datacenter has its own leader and quorum, so each has its own gates. Agents that
 * come back must also see the other datacenters that have a leader, and be peered with their peers again.
 */
export function effectOf(
  action: NodeAction,
  hit: readonly FoundAgent[],
  { datacenters, addresses }: Before,
): Effect {
  const availability = availabilityAfter[action];
  if (availability === "untouched")
    return { what: "the data is gone", asked: [], gates: [], watched: { signs: [], led: [] } };
  const isAffected = ({ agents }: FoundDatacenter) => agents.some((agent) => includes(hit, agent));
  const effects = datacenters
    .filter(isAffected)
    .map((datacenter) => effectIn(datacenter, action, hit, addresses));
  const led = effects.filter(({ isLed }) => isLed).map(({ asked }) => asked);
  const unaffected = datacenters
    .filter((datacenter) => !isAffected(datacenter) && hasQuorum(datacenter))
    .map(({ agents }) => agents.filter(isUp));
  const withLeader = [...led, ...unaffected].flat();
  const joinsOthers = availability === "back" && led.length > 0;
  // Servers of other datacenters know the new ACLs only from the primary one.
  const informed = led
    .flat()
    .filter(({ federation }) => withLeader.some(({ datacenter }) => datacenter === federation));
  return {
    what: effects.map(({ what }) => what).join("; "),
    asked: effects.flatMap(({ asked }) => asked),
    gates: [
      ...effects.flatMap(({ gates }) => gates),
      ...(joinsOthers ? asking(informed, [announcedGate]) : []),
      ...(joinsOthers ? betweenDatacenters(withLeader) : []),
    ],
    watched: {
      signs: effects.flatMap(({ watched }) => watched.signs),
      led: effects.flatMap(({ watched }) => watched.led),
    },
  };
}

/** The same in one datacenter, whose gates ask this datacenter's agents only. */
interface DatacenterEffect extends Effect {
  /** Whether the datacenter has a leader afterwards. */
  readonly isLed: boolean;
}

/**
 * Whether there is a quorum afterwards depends on Raft's configuration, not on how many servers
 * the cluster was started with: a graceful leave removes a server from it, and with
 * `autopilot.cleanup_dead_servers` autopilot removes failed servers.
 */
function effectIn(
  { name, agents, raft }: FoundDatacenter,
  action: NodeAction,
  hit: readonly FoundAgent[],
  addresses: ReadonlyMap<string, string>,
): DatacenterEffect {
  const isBack = availabilityAfter[action] === "back";
  const affected = agents.filter((agent) => includes(hit, agent));
  const others = agents.filter((agent) => isUp(agent) && !includes(hit, agent));
  const working = isBack ? agents.filter((each) => isUp(each) || includes(hit, each)) : others;
  const leavers = action === "stop" ? namesOf(affected) : [];
  const voters = raft.voters.filter((node) => !leavers.includes(node));
  const voting = working.filter(({ node }) => voters.includes(node));
  // An isolated server still answers and must have noticed, too. Not if it has the only vote: then
  // it stays the leader, all by itself.
  const alone = action === "isolate" && voters.length > 1 ? servers(affected) : [];
  if (voters.length === 0 || voting.length < quorumOf(voters.length)) {
    const asked = [...working, ...alone];
    const gates = asking(asked, [noLeader]);
    const signs: Sign[] = isBack ? [] : [{ event: "no-leader", datacenter: name, gates }];
    const watched = { signs: gates.length > 0 ? signs : [], led: [] };
    return { what: "no agent reports a leader", isLed: false, asked, gates, watched };
  }
  const led: [Led] = [{ datacenter: name, agents: working, leader: raft.leader }];
  if (!isBack) return goneEffect(action, affected, alone, led);
  const away = agents.filter((agent) => !working.includes(agent));
  const awayAt = away.map(({ node }) => addresses.get(node) ?? "");
  const gates = [aliveForAll(working), ...gatesAfterGossip, raftIsSettled(awayAt)];
  const what = `${namesOf(affected).join(", ")} ${isOrAre(affected)} back`;
  const watched = { signs: [], led };
  return { what, isLed: true, asked: working, gates: asking(working, gates), watched };
}

// A cluster is ready once its servers see everyone alive; here all agents must.
const [, ...gatesAfterGossip] = readyGates;

/**
 * @param alone - isolated servers that must report no leader
 * @param led - the agents that remain
 */
function goneEffect(
  action: NodeAction,
  affected: readonly FoundAgent[],
  alone: readonly FoundAgent[],
  led: readonly [Led],
): DatacenterEffect {
  const [{ datacenter, agents }] = led;
  const gone = notSeenAlive(affected);
  const away =
    action === "stop"
      ? [leftForAll(affected), outOfCatalog(affected)]
      : [gone, notHealthy(affected)];
  const gates = [leaderAmongOthers(affected), ...away];
  const aloneGates = asking(alone, [aloneGate]);
  const signs: Sign[] = [{ event: "detection", datacenter, gates: asking(agents, [gone]) }];
  if (alone.length > 0) signs.push({ event: "no-leader", datacenter, gates: aloneGates });
  return {
    what: `${namesOf(affected).join(", ")} ${isOrAre(affected)} gone for all other agents`,
    isLed: true,
    asked: agents,
    gates: [...asking(agents, gates), ...aloneGates],
    watched: { signs, led },
  };
}

const isOrAre = ({ length }: readonly FoundAgent[]) => (length === 1 ? "is" : "are");
