/** How an agent leaves its cluster for good. */
import { ConsulError } from "../consul/http.ts";
import type { Docker } from "../docker/docker.ts";
import { ActionError } from "../errors.ts";
import { ask, servers } from "../ready/agents.ts";
import { logTimed } from "../runner/log.ts";
import { poll } from "../runner/poll.ts";
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
 * A graceful leave, as `consul leave` does it. The agent either answers when it has left or exits
 * before it has answered.
 *
 * @param timeout - milliseconds
 * @throws ActionError if the agent refuses, or if it still runs after the timeout
 */
export async function leave(docker: Docker, agent: FoundAgent, timeout: number): Promise<void> {
  const error = await agent.consul.leave(timeout).catch((reason: unknown) => reason);
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
