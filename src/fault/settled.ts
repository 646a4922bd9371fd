/**
 * Before a server goes silent. An agent that waits for its answer then waits for 40 s (yamux notices after 30 and 10),
 * or until the server is back, if it has no connection to it yet. So agents should be done with what they do once, in
 * the first seconds after they have found the servers:
 * - They sync with the catalog. Meanwhile they lock what they know of their services, and don't answer
 *   `/v1/agent/self` and its like (`SyncChanges` in agent/local/state.go of 1.4.4 to 2.1; seen in 3 of 25 clusters of
 *   1.8.7 that had a server paused as soon as they were ready).
 * - They learn the token with which they are asked (`whileAsking` in plan/security-config.ts).
 */
import { type FoundAgent, isUp } from "../find/existing-cluster.ts";
import { quorumOf } from "../find/raft.ts";
import { whileAllRun } from "../find/while-all-run.ts";
import { serversIn } from "../ready/agents.ts";
import { asking, type Gate, syncGate } from "../ready/gates.ts";
import { aclGate, announcedGate } from "../ready/legacy-acls.ts";
import { NotReadyError, untilHold } from "../ready/wait.ts";
import { logTimed, warn } from "../runner/log.ts";
import type { FaultAction } from "./fault-inputs.ts";
import type { FaultStep } from "./step.ts";
import type { Watched } from "./watch.ts";

/** Milliseconds that agents let pass between two attempts, at most: to sync after a failure, or to learn of ACLs. */
const longestPause = 30_000;

/**
 * Waits until the agents that have a leader are done with that. If one never gets done, this warns, and the fault
 * goes on.
 *
 * @throws ActionError if an agent exits meanwhile
 */
export async function untilSettled(
  action: FaultAction,
  watched: Watched,
  { docker, cluster, timeout, canceled }: Omit<FaultStep, "hit">,
): Promise<void> {
  const { led, gates } = settledGates(watched, cluster);
  const verdicts = await Promise.all(gates.map((gate) => gate.look([])));
  if (verdicts.every(({ failing }) => failing.length === 0)) return;
  logTimed(`Waiting until ${gates.map(({ name }) => name).join(", and ")}`);
  const failure = { title: `\`${action}\` goes on`, summary: "Agents were not settled" };
  const wait = { timeout: Math.min(timeout, longestPause), onChange: logTimed, failure };
  const { clusterId } = cluster;
  try {
    await whileAllRun({ docker, clusterId, agents: led, signal: canceled }, (signal) =>
      untilHold(gates, () => led, { ...wait, signal }),
    );
  } catch (error) {
    if (!(error instanceof NotReadyError)) throw error;
    const { title, message } = error;
    warn(`${message}\nA request to one of these agents may wait for 40 s.`, { title });
  }
}

function settledGates(
  watched: Watched,
  { agents, credentials }: FaultStep["cluster"],
): { led: FoundAgent[]; gates: Gate[] } {
  const up = agents.filter(isUp);
  const isLed = ({ datacenter }: FoundAgent) =>
    watched.led.some((each) => each.datacenter === datacenter);
  // Servers of other datacenters learn of the ACLs from the primary one.
  const hasQuorum = (datacenter: string) =>
    serversIn(up, datacenter).length >= quorumOf(serversIn(agents, datacenter).length);
  const led = up.filter(isLed);
  const secured =
    credentials.token === undefined ? [] : led.filter(({ federation }) => hasQuorum(federation));
  const gates = [...asking(led, [syncGate]), ...asking(secured, [announcedGate, aclGate])];
  return { led, gates };
}
