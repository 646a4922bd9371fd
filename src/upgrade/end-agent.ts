/** How an agent's container goes, so that another one can take its place. */
import { isClosed } from "../consul/http.ts";
import type { Docker } from "../docker/docker.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { ask, servers } from "../ready/agents.ts";
import { noneNames } from "../ready/gates.ts";
import { poll } from "../runner/poll.ts";
import { withScope } from "../runner/scope.ts";

/** What there is besides an agent that is to end. */
export interface Around {
  readonly docker: Docker;
  /** The other agents of its datacenter. */
  readonly others: readonly FoundAgent[];
  readonly isPodman: boolean;
  /** Aborts when the step is canceled. */
  readonly signal: AbortSignal;
}

/**
 * Stops an agent's container, and removes it as soon as the agent is done. Its volumes stay.
 *
 * A client leaves, and then stays up for 3 s, since it can't tell whether everyone has heard of it
 * (`LeavePropagateDelay` in Consul's lib/serf/serf.go and in Serf's `Leave`). Here all others can be asked: as
 * soon as the agent has left for each of them and for the catalog, it is ended. If not, or if it does not
 * leave (`leave_on_terminate` in `config`), it has the time that it takes.
 *
 * A server that is stopped this way doesn't leave: it stays in Raft. It closes its HTTP API last, when everything else
 * of it has ended (`ShutdownAgent` and `ShutdownEndpoints` in command/agent/agent.go, 1.4.4 to 2.1), and up to 1.10 it
 * then waits for 0.5 s: Go's `Server.Shutdown` looked only that often, up to Go 1.15.
 */
export function endAgent(
  agent: FoundAgent,
  { docker, others, isPodman, signal: canceled }: Around,
): Promise<void> {
  return withScope(canceled, async ({ signal, start }) => {
    const stopped = start(docker.change("stop", [agent.container]));
    // Podman has no second command for a container that it stops.
    const done = isPodman ? stopped : start(untilDone(agent, others, signal));
    await Promise.race([stopped, done]);
    // It is gone then for the command that stops it, too.
    await docker.removeButKeepVolumes(agent.container);
    await stopped;
  });
}

const untilDone = (agent: FoundAgent, others: readonly FoundAgent[], signal: AbortSignal) =>
  agent.role === "client" ? untilLeft(agent, others, signal) : untilClosed(agent, signal);

/** Waits until an agent has closed its HTTP API. The wait has no limit of its own, since the agent ends before long. */
async function untilClosed({ consul }: FoundAgent, signal: AbortSignal): Promise<void> {
  const look = async () => {
    const error = await consul.members().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return isClosed(error) ? undefined : () => new Error("its HTTP API is open");
  };
  await poll(look, { timeout: Number.POSITIVE_INFINITY, signal });
}

/**
 * Waits until all of these agents see that an agent has left, and the leader has taken its node out of the catalog.
 * Otherwise the leader could still do so when the new agent is back: its services, which seemed to be there, would be
 * gone until it syncs.
 *
 * The wait has no limit of its own, since the agent ends before long.
 */
async function untilLeft(
  agent: FoundAgent,
  others: readonly FoundAgent[],
  signal: AbortSignal,
): Promise<void> {
  const look = async () => {
    const members = await ask(others, async (consul) => {
      const all = await consul.members();
      return all.filter(({ hasLeft }) => !hasLeft).map(({ node }) => node);
    });
    const seen = noneNames([agent], members, "a member").failing;
    if (seen.length > 0) return () => new Error(seen.join("\n"));
    const nodes = await ask(servers(others), (consul) => consul.catalog.nodeNames());
    const listed = noneNames([agent], nodes, "in the catalog").failing;
    return listed.length > 0 ? () => new Error(listed.join("\n")) : undefined;
  };
  await poll(look, { timeout: Number.POSITIVE_INFINITY, signal });
}
