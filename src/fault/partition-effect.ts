import { type FoundAgent, isUp } from "../find/existing-cluster.ts";
import { type FoundDatacenter, quorumOf } from "../find/raft.ts";
import { asking, type Gate } from "../ready/gates.ts";
import type { Before, Effect } from "./effect.ts";
import {
  aliveExactly,
  leaderWithin,
  namesOf,
  noLeader,
  notHealthy,
  outOfReach,
} from "./effect-gates.ts";
import { type Side, sidesText } from "./sides.ts";
import type { Sign, Watched } from "./watch.ts";

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
  const within = datacenters.flatMap((datacenter) => partsOf(datacenter, running));
  const between = running.flatMap((side) =>
    datacenters
      .filter(({ name, agents }) => agents.some(isUp) && !isPartlyOn(side, name))
      .flatMap(({ name }) => asking(side, [outOfReach(name)])),
  );
  return {
    what: `each agent sees only its own side: ${sidesText(running)}`,
    asked: running.flat(),
    gates: [...within.flatMap(({ leaderGates, apart }) => [...leaderGates, ...apart]), ...between],
    watched: watchedIn(within),
  };
}

const isPartlyOn = (side: Side, name: string) => side.some(({ datacenter }) => datacenter === name);

/** What is on one side of a datacenter that is split. */
interface Part {
  readonly datacenter: string;
  readonly agents: readonly FoundAgent[];
  readonly isLed: boolean;
  /** Node name of the datacenter's leader before. */
  readonly leader: string;
  /** That it has a leader, and has taken note of the rest; or that it has none. */
  readonly leaderGates: readonly Gate[];
  /** That each agent sees its own side only. */
  readonly apart: readonly Gate[];
}

/** None if all of the datacenter is on one side. */
function partsOf({ name, agents, raft }: FoundDatacenter, sides: readonly Side[]): Part[] {
  const parts = sides
    .map((side) => side.filter(({ datacenter }) => datacenter === name))
    .filter((part) => part.length > 0);
  if (parts.length < 2) return [];
  const { leader, voters } = raft;
  return parts.map((part) => {
    const own = namesOf(part);
    const voting = voters.filter((node) => own.includes(node));
    const away = agents.filter((agent) => isUp(agent) && !own.includes(agent.node));
    const isLed = voters.length > 0 && voting.length >= quorumOf(voters.length);
    const gates = isLed ? [leaderWithin(part), notHealthy(away)] : [noLeader];
    const [leaderGates, apart] = [asking(part, gates), asking(part, [aliveExactly(part)])];
    return { datacenter: name, agents: part, isLed, leader, leaderGates, apart };
  });
}

function watchedIn(parts: readonly Part[]): Watched {
  const signs = [...Map.groupBy(parts, ({ datacenter }) => datacenter)].flatMap(
    ([datacenter, there]): Sign[] => {
      const leaderless = there.filter(({ isLed }) => !isLed);
      return [
        { event: "no-leader", datacenter, gates: leaderless.flatMap((part) => part.leaderGates) },
        { event: "detection", datacenter, gates: there.flatMap(({ apart }) => apart) },
      ];
    },
  );
  return { signs, led: parts.filter(({ isLed }) => isLed) };
}
