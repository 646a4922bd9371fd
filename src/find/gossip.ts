/**
 * Gates on what agents know from gossip. They help it along, because gossip alone can take long:
 *
 * - News travels in a few packets to agents chosen at random, and now and then all of them miss one
 *   agent (with five agents, once in some hundred times). That agent hears the news in its next full
 *   exchange with another agent, up to a minute later (memberlist's `PushPullInterval`, 30 s; 54 s seen
 *   on 1.8.7).
 * - An agent that is told late that another one left takes it as leaving even if it is back (Serf's
 *   `handleNodeLeaveIntent`; still so after 120 s, seen on 1.22.7).
 *
 * To join an agent is a full exchange, and tells everyone that the agent that joins is there.
 */
import type { Member } from "../consul/answers.ts";
import { ConsulError } from "../consul/http.ts";
import type { Answer } from "../ready/agents.ts";
import { everyoneNames, type Gate, noneNames } from "../ready/gates.ts";
import { ownAddress, type View, viewsOf } from "../ready/views.ts";
import type { FoundAgent } from "./existing-cluster.ts";

/**
 * An agent that is not seen joins one that doesn't see it. One whose servers were all away may refuse
 * to say what it sees (with ACLs), and it and a server that left have forgotten each other: the server
 * joins it.
 */
export const aliveForAll = (running: readonly FoundAgent[]): Gate => ({
  name: "every agent sees every other agent alive",
  look: async (agents) => {
    const views = await viewsOf(agents, (known) => {
      const viewOf = (name: string) => known.find(({ node }) => node === name);
      const sees = ({ members }: View, name: string) =>
        members.some(({ node, isAlive }) => isAlive && node === name);
      const addressOf = ({ node, ip }: FoundAgent) => ownAddress(viewOf(node)) ?? ip;
      const isApart = (view: View, { node }: FoundAgent) => {
        const other = viewOf(node);
        return other ? !sees(other, view.node) : !sees(view, node);
      };
      const joins = known.flatMap((view) =>
        running
          .filter((other) => isApart(view, other))
          .map((other) => ({ node: view.node, address: addressOf(other) })),
      );
      return joins.find(({ address }) => address !== "");
    });
    const answers = named(views, ({ isAlive }) => isAlive);
    return everyoneNames(running, answers, "alive for all");
  },
});

/**
 * A node that leaves sends two pieces of news: that it leaves, and that it is gone. An agent that has
 * heard only the first sees it as leaving, one that has heard only the second as failed (Serf's
 * `handleNodeLeave`). An agent that has not heard both joins one that has; if none has, one that sees the
 * node as leaving hears the rest from one that sees it as failed. Before Consul 1.7, an agent that joins
 * only begins to suspect the node, for 4 to 24 s: nothing makes this faster (`leavesInExchange` in
 * consul/versions.ts).
 */
export const leftForAll = (hit: readonly FoundAgent[]): Gate => ({
  name: `every remaining agent sees that ${hit.map(({ node }) => node).join(", ")} left`,
  look: async (agents) => {
    const views = await viewsOf(agents, (known) => {
      const away = ({ members }: View) =>
        members.filter(({ node }) => hit.some((each) => each.node === node));
      const sees = (is: (member: Member) => boolean) => known.find((view) => away(view).some(is));
      // Who has never heard of a node can't tell others that it left.
      const informed = (view: View) => {
        const missed = away(view).filter(({ hasLeft }) => !hasLeft);
        return sees(({ node, hasLeft }) => hasLeft && missed.some((each) => each.node === node));
      };
      const [joining, joined] = known
        .map((view) => [view, informed(view)] as const)
        .find(([, other]) => other) ?? [
        sees(({ isLeaving }) => isLeaving),
        sees(({ hasFailed }) => hasFailed),
      ];
      const address = ownAddress(joined);
      return joining && address ? { node: joining.node, address } : undefined;
    });
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
