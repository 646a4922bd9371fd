import type { Member } from "../consul/answers.ts";
import { ConsulError } from "../consul/http.ts";
import { type AgentClient, type Answer, ask } from "./agents.ts";

/** The members that an agent sees. */
export interface View {
  readonly node: string;
  readonly members: readonly Member[];
}

/** An agent that is to join the one at an address. */
interface Join {
  readonly node: string;
  readonly address: string;
}

/** Every agent knows its own address. */
export const ownAddress = (view: View | undefined): string | undefined =>
  view?.members.find(({ node }) => node === view.node)?.ip;

/**
 * Asks each agent for the members that it sees, after which one agent may join another: a full exchange of all
 * they know. One agent joins at a time, since gossip itself reaches the rest, and many joins at once would slow it down.
 *
 * @param helpful - picks the join from what the agents that answer see
 */
export async function viewsOf(
  agents: readonly AgentClient[],
  helpful: (known: readonly View[]) => Join | undefined,
): Promise<Answer<Member[]>[]> {
  const views = await ask(agents, (consul) => consul.members());
  const known = views.flatMap(({ node, answer }) =>
    answer instanceof ConsulError ? [] : [{ node, members: answer }],
  );
  const join = helpful(known);
  if (!join) return views;
  const joins = await ask(
    agents.filter(({ node }) => node === join.node),
    (consul) => consul.join(join.address),
  );
  const failed = joins.flatMap(({ node, answer }) =>
    answer instanceof ConsulError ? [{ node, answer }] : [],
  );
  return views.map((view) => failed.find(({ node }) => node === view.node) ?? view);
}
