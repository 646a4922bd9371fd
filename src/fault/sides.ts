import { InputError } from "../errors.ts";
import { type FoundAgent, isUp } from "../find/existing-cluster.ts";
import type { FoundDatacenter } from "../find/raft.ts";
import { type Group, othersWord } from "./groups.ts";
import { includes } from "./step.ts";
import { agentsFor, namedAgents, statesFor, targetDatacenters } from "./target.ts";

/** The nodes on one side of a partition, whatever their state. Every node is on one side. */
export type Side = readonly FoundAgent[];

/**
 * The sides that groups make right now. A word matches nodes that no group has yet. Nodes in no group
 * are on the side of the group that has `others`, or else on the last one.
 *
 * @param datacenter - in which words look; empty for the one of the nodes that are named
 * @param datacenters - of the cluster
 * @throws InputError if a group names a node that can't be cut off, or has no node that runs
 */
export function resolveSides(
  groups: readonly Group[],
  datacenter: string,
  datacenters: readonly FoundDatacenter[],
): Side[] {
  const agents = datacenters.flatMap((each) => each.agents);
  const named = groups.map(({ names }) => namedAgents("partition", names, agents, "groups"));
  const matches = matchesOf(groups, named.flat(), () => {
    const names = named.flat().map(({ node }) => node);
    const [home] = targetDatacenters(datacenters, { datacenter, target: { names } });
    return home;
  });
  const sides = named.map((there, index) => [...there, ...(matches[index] ?? [])]);
  const others = agents.filter((agent) => !includes(sides.flat(), agent));
  const marked = groups.findIndex(({ takesOthers }) => takesOthers);
  const taking = marked < 0 ? groups.length - 1 : marked;
  const all = sides.map((side, index) => (index === taking ? [...side, ...others] : side));
  const empty = all.findIndex((side) => !side.some(isUp));
  if (empty < 0) return all;
  throw groupsError(
    `Group ${empty + 1} of \`groups\` has no node that runs: all running nodes are in other groups.`,
  );
}

/**
 * The nodes that the words of each group match.
 *
 * @param named - nodes that are in groups already
 * @param homeOf - the datacenter in which words look
 */
function matchesOf(
  groups: readonly Group[],
  named: readonly FoundAgent[],
  homeOf: () => FoundDatacenter | undefined,
): FoundAgent[][] {
  const home = groups.some(({ words }) => words.length > 0) ? homeOf() : undefined;
  const taken = [...named];
  return groups.map(({ words }) =>
    words.flatMap((word) => {
      const able = (home?.agents ?? []).filter(
        (agent) => statesFor.partition.includes(agent.state) && !includes(taken, agent),
      );
      const found = home ? agentsFor[word](able, home.raft) : [];
      taken.push(...found);
      if (found.length > 0) return found;
      throw groupsError(
        `\`${word}\` in \`groups\` matches no running node that is in no other group. Groups are filled from left to right; \`${othersWord}\` is every node that is in none.`,
      );
    }),
  );
}

const groupsError = (message: string) => new InputError([{ input: "groups", message }]);

/** The side that a node is on. */
export const sideOf = (sides: readonly Side[], agent: FoundAgent): Side =>
  sides.find((side) => includes(side, agent)) ?? [agent];

/** For the log: `server-1 | server-2, server-3`. */
export const sidesText = (sides: readonly Side[]) =>
  sides.map((side) => side.map(({ node }) => node).join(", ")).join(" | ");
