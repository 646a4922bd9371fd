import { isUp } from "../find/existing-cluster.ts";
import { type FoundDatacenter, quorumOf } from "../find/raft.ts";
import type { Gate } from "../ready/gates.ts";
import type { Before, Effect } from "./effect.ts";
import {
  aliveExactly,
  asking,
  leaderWithin,
  namesOf,
  noLeader,
  notHealthy,
  outOfReach,
} from "./effect-gates.ts";
import { type Side, sidesText } from "./sides.ts";

/**
 * What a partition leads to, from its sides and the cluster before it. Pure.
 *
 * In each datacenter, a side with a quorum has its own leader, and any other has none; each agent sees
 * alive exactly the agents of its side. A datacenter that is wholly on another side is out of reach.
 */
export function partitionEffect(
  sides: readonly Side[],
  { datacenters }: Pick<Before, "datacenters">,
): Effect {
  const running = sides.map((side) => side.filter(isUp));
  const within = datacenters.flatMap((datacenter) => gatesWithin(datacenter, running));
  const between = running.flatMap((side) =>
    datacenters
      .filter(
        ({ name, agents }) => agents.some(isUp) && !side.some((each) => each.datacenter === name),
      )
      .flatMap(({ name }) => asking(side, [outOfReach(name)])),
  );
  return {
    what: `each agent sees only its own side: ${sidesText(running)}`,
    asked: running.flat(),
    gates: [...within, ...between],
  };
}

/** None if all of the datacenter is on one side. */
function gatesWithin(
  { name, agents, raft: { voters } }: FoundDatacenter,
  sides: readonly Side[],
): Gate[] {
  const parts = sides
    .map((side) => side.filter(({ datacenter }) => datacenter === name))
    .filter((part) => part.length > 0);
  if (parts.length < 2) return [];
  const running = agents.filter(isUp);
  return parts.flatMap((part) => {
    const own = namesOf(part);
    const voting = voters.filter((node) => own.includes(node));
    const away = running.filter(({ node }) => !own.includes(node));
    const isLed = voters.length > 0 && voting.length >= quorumOf(voters.length);
    const gates = isLed ? [leaderWithin(part), notHealthy(away)] : [noLeader];
    return asking(part, [...gates, aliveExactly(part)]);
  });
}
