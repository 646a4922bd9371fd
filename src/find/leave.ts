/** How an agent leaves its cluster for good. */
import { ConsulError } from "../consul/http.ts";
import type { Docker } from "../docker/docker.ts";
import { ActionError } from "../errors.ts";
import { ask, servers } from "../ready/agents.ts";
import { type Gate, noneNames } from "../ready/gates.ts";
import { logTimed } from "../runner/log.ts";
import { poll, type WaitLimits } from "../runner/poll.ts";
import { type FoundAgent, isUp } from "./existing-cluster.ts";

/** Waits until the leader's Raft configuration doesn't have this agent. A client is never in it. */
export async function untilOutOfRaft(
  agent: FoundAgent,
  agents: readonly FoundAgent[],
  signal: AbortSignal,
): Promise<void> {
  const asked = servers(agents).filter(
    (each) => isUp(each) && each.datacenter === agent.datacenter && each.node !== agent.node,
  );
  const look = async () => {
    const answers = await ask(asked, (consul) => consul.raftPeers());
    const isOut = answers.some(
      ({ answer }) => !(answer instanceof ConsulError) && !answer.some(({ ip }) => ip === agent.ip),
    );
    return isOut ? undefined : () => new Error(`Raft still has ${agent.node}`);
  };
  // The leave itself has a time limit.
  if (agent.role === "server") await poll(look, { timeout: Number.POSITIVE_INFINITY, signal });
}

/**
 * DNS answers from the same state.
 *
 * While an agent leaves, after the leader has removed its node, it may sync once more: that puts the node back,
 * with its services, until the leader looks for such nodes, up to a minute later (seen on 1.8.7 at four of six
 * leaves soon after a join). So it is removed again.
 *
 * @param gone - agents that have left, and whose processes have ended
 */
export const outOfCatalog = (gone: readonly FoundAgent[]): Gate => ({
  name: `no agent's catalog has ${gone.map(({ node }) => node).join(" or ")}`,
  look: async (agents) => {
    const answers = await ask(agents, (consul) => consul.catalog.nodeNames());
    const verdict = noneNames(gone, answers, "in the catalog");
    const there = gone.filter(({ node }) =>
      answers.some(({ answer }) => !(answer instanceof ConsulError) && answer.includes(node)),
    );
    const [server] = servers(agents);
    if (server)
      await Promise.all(
        // Whether it is gone is what the next look sees.
        there.map(({ node }) => ask([server], (consul) => consul.deregister(node))),
      );
    return verdict;
  },
});

/**
 * A graceful leave, as `consul leave` does it. The agent either answers when it has left or exits
 * before it has answered.
 *
 * @throws ActionError if the agent refuses, or if it still runs after the timeout; the signal's reason if it aborts
 */
export async function leave(docker: Docker, agent: FoundAgent, limits: WaitLimits): Promise<void> {
  const { timeout, signal } = limits;
  const error = await agent.consul.leave(limits).catch((reason: unknown) => reason);
  signal.throwIfAborted();
  if (error !== undefined && !(error instanceof ConsulError)) throw error;
  if (error?.status !== undefined) {
    const message = `${agent.node} refused to leave: ${error.message}.`;
    throw new ActionError(`${agent.node} did not leave`, message, { cause: error });
  }
  const deadline = AbortSignal.timeout(timeout);
  await docker
    .within(deadline)
    .untilStopped(agent.container)
    .catch((reason: unknown) => {
      if (!deadline.aborted) throw reason;
      const said = error ? ` Its answer: ${error.message}.` : "";
      const message = `${agent.node} was told to leave, but was still running ${timeout / 1000} s later.${said}`;
      throw new ActionError(`${agent.node} did not leave`, message, { cause: reason });
    });
  logTimed(`${agent.node} has left`);
}
