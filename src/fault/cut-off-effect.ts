import { type FoundAgent, isUp } from "../find/existing-cluster.ts";
import { type FoundDatacenter, quorumOf } from "../find/raft.ts";
import { asking } from "../ready/gates.ts";
import { type Before, type Effect, effectOf } from "./effect.ts";
import { leaderWithin, namesOf, noLeader } from "./effect-gates.ts";
import { includes } from "./step.ts";

/**
 * What it leads to that an engine is cut off from all others, while its own agents see each other. Pure.
 *
 * As for agents that are isolated one by one, unless the engine has a datacenter's quorum: then its agents
 * have a leader, and the others none.
 *
 * @param hit - the engine's agents
 */
export function cutOffEffect(hit: readonly FoundAgent[], before: Before): Effect {
  const isLed = (datacenter: FoundDatacenter) => hasQuorumAmong(hit, datacenter);
  const [led, unled] = [
    before.datacenters.filter(isLed),
    before.datacenters.filter((datacenter) => !isLed(datacenter)),
  ];
  const rest = effectOf("isolate", hit, { ...before, datacenters: unled });
  const effects = [...led.map((datacenter) => ledEffect(hit, datacenter)), rest];
  return {
    what: effects.flatMap(({ what }) => (what === "" ? [] : [what])).join("; "),
    asked: effects.flatMap(({ asked }) => asked),
    gates: effects.flatMap(({ gates }) => gates),
    watched: {
      signs: effects.flatMap(({ watched }) => watched.signs),
      led: effects.flatMap(({ watched }) => watched.led),
    },
  };
}

function hasQuorumAmong(hit: readonly FoundAgent[], { agents, raft: { voters } }: FoundDatacenter) {
  const voting = agents.filter((agent) => includes(hit, agent) && voters.includes(agent.node));
  return voters.length > 0 && voting.length >= quorumOf(voters.length);
}

function ledEffect(
  hit: readonly FoundAgent[],
  { name, agents, raft: { leader } }: FoundDatacenter,
): Effect {
  const own = agents.filter((agent) => includes(hit, agent));
  const others = agents.filter((agent) => isUp(agent) && !includes(hit, agent));
  const leaderless = asking(others, [noLeader]);
  const without =
    others.length > 0
      ? `; ${namesOf(others).join(", ")} ${others.length === 1 ? "has" : "have"} none`
      : "";
  return {
    what: `${namesOf(own).join(", ")} ${own.length === 1 ? "stays the leader" : "have a leader among them"}${without}`,
    asked: [...own, ...others],
    gates: [...asking(own, [leaderWithin(own)]), ...leaderless],
    watched: {
      signs:
        leaderless.length > 0 ? [{ event: "no-leader", datacenter: name, gates: leaderless }] : [],
      led: [{ datacenter: name, agents: own, leader }],
    },
  };
}
