/**
 * Gates on what agents know from gossip. They help it along: news travels in a few packets to agents
 * chosen at random, and now and then all of them miss one agent (with five agents, once in some
 * hundred times). By itself that agent hears the news in its next full exchange with another agent,
 * up to a minute later (memberlist's `PushPullInterval`, 30 s; 54 s seen on 1.8.7). To join an agent
 * is such an exchange.
 */
import type { Member } from "../consul/answers.ts";
import { ConsulError } from "../consul/http.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { type AgentClient, type Answer, ask } from "../ready/agents.ts";
import { everyoneNames, type Gate, noneNames } from "../ready/gates.ts";

export const aliveForAll: Gate = {
  name: "every agent sees every other agent alive",
  look: async (agents) => {
    const hasHeard = (members: readonly Member[]) =>
      agents.every(({ node }) => members.some((each) => each.isAlive && each.node === node));
    const views = await viewsOf(agents, hasHeard);
    const answers = named(views, ({ isAlive }) => isAlive);
    return everyoneNames(agents, answers, "alive for all");
  },
};

/** An agent that missed the leave sees the node as failed. */
export const leftForAll = (hit: readonly FoundAgent[]): Gate => ({
  name: `every remaining agent sees that ${hit.map(({ node }) => node).join(", ")} left`,
  look: async (agents) => {
    const hasHeard = (members: readonly Member[]) =>
      members.every(({ node, hasLeft }) => hasLeft || !hit.some((each) => each.node === node));
    const views = await viewsOf(agents, hasHeard);
    const answers = named(views, ({ hasLeft }) => !hasLeft);
    return noneNames(hit, answers, "a member");
  },
});

const named = (views: readonly Answer<Member[]>[], isMeant: (member: Member) => boolean) =>
  views.map(({ node, answer }) => ({
    node,
    answer:
      answer instanceof ConsulError ? answer : answer.filter(isMeant).map((each) => each.node),
  }));

/** The members that each agent sees, asked after which one agent is helped to hear the news. */
async function viewsOf(
  agents: readonly AgentClient[],
  hasHeard: (members: readonly Member[]) => boolean,
): Promise<Answer<Member[]>[]> {
  const views = await ask(agents, (consul) => consul.members());
  const join = helpfulJoin(views, hasHeard);
  if (!join) return views;
  const behind = agents.filter(({ node }) => node === join.node);
  const joins = await ask(behind, (consul) => consul.join(join.address));
  const failed = joins.flatMap(({ node, answer }) =>
    answer instanceof ConsulError ? [{ node, answer }] : [],
  );
  return views.map((view) => failed.find(({ node }) => node === view.node) ?? view);
}

/**
 * An agent that has not heard the news, and the address of one to join: one that has heard it, or else
 * one that the first doesn't see, since gossip forgets a server that left, and the server forgets the
 * others. One agent at a time is enough: gossip itself reaches the rest, and many joins at once would
 * slow it down. Pure.
 */
function helpfulJoin(
  views: readonly Answer<readonly Member[]>[],
  hasHeard: (members: readonly Member[]) => boolean,
): { readonly node: string; readonly address: string } | undefined {
  const known = views.flatMap(({ node, answer }) =>
    answer instanceof ConsulError ? [] : [{ node, members: answer }],
  );
  const behind = known.find(({ members }) => !hasHeard(members));
  if (!behind) return undefined;
  const isStranger = (agent: { readonly node: string }) =>
    !behind.members.some(({ node, isAlive }) => isAlive && node === agent.node);
  const partner = known.find(({ members }) => hasHeard(members)) ?? known.find(isStranger);
  const address = partner?.members.find(({ node }) => node === partner.node)?.ip;
  return address === undefined ? undefined : { node: behind.node, address };
}
