/**
 * Sees when each thing happens that a step's timeline has. The gates of the wait are checked in order, up to
 * the first that does not hold, so they alone would see some things late.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ConsulError } from "../consul/http.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { ask } from "../ready/agents.ts";
import { agreedLeader, type Gate } from "../ready/gates.ts";
import { pauseAfter } from "../runner/poll.ts";
import { hostOf } from "./effect-gates.ts";
import type { FaultTimeline } from "./timeline.ts";

/** Something that happens in a datacenter once these gates hold. */
export interface Sign {
  readonly event: "detection" | "no-leader";
  readonly datacenter: string;
  readonly gates: readonly Gate[];
}

/** Agents that have a leader afterwards, and take writes. */
export interface Led {
  readonly datacenter: string;
  readonly agents: readonly FoundAgent[];
  /** Node name of the leader before; empty if there was none. */
  readonly leader: string;
}

/** What a step's timeline has, as far as agents are asked. */
export interface Watched {
  readonly signs: readonly Sign[];
  readonly led: readonly Led[];
}

/** Milliseconds between two attempts to write. One may hang, so the next doesn't wait for it. */
const writeInterval = 150;

/** Milliseconds that a write may take once everything else holds. */
const lastWrite = 2000;

/** Where what happens is recorded. */
export interface Recording {
  readonly timeline: FaultTimeline;
  /** What has happened when the wait is over. */
  readonly end: "effect" | "back";
}

/**
 * Waits for something, and meanwhile records what happens.
 *
 * @param wait - for everything that is watched for but the writes
 */
export async function watching(
  { signs, led }: Watched,
  { timeline, end }: Recording,
  signal: AbortSignal,
  wait: () => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  const noMoreWrites = new AbortController();
  const writable = AbortSignal.any([signal, noMoreWrites.signal]);
  const writes = Promise.all(led.map((each) => untilWritten(each, timeline, writable)));
  const looks = [
    ...signs.map((sign) => once(() => hasHappened(sign, timeline), ended, signal)),
    ...led.map((each) => once(() => hasNewLeader(each, timeline), ended, signal)),
  ];
  try {
    await Promise.all([wait().finally(() => over.abort()), ...looks]);
    timeline.add(end);
    await Promise.race([writes, sleep(lastWrite, undefined, { signal, ref: false })]);
  } finally {
    noMoreWrites.abort();
    await writes;
  }
}

/** Looks until it is true. At the end it looks once more, unless all is canceled. */
async function once(
  look: () => Promise<boolean>,
  ended: AbortSignal,
  canceled: AbortSignal,
): Promise<void> {
  const started = performance.now();
  for (;;) {
    const isLast = ended.aborted;
    if (canceled.aborted || (await look()) || isLast) return;
    await pause(pauseAfter(performance.now() - started), ended);
  }
}

/** Ends early if the signal aborts. */
const pause = (milliseconds: number, signal: AbortSignal) =>
  sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });

async function hasHappened({ event, datacenter, gates }: Sign, timeline: FaultTimeline) {
  const verdicts = await Promise.all(gates.map((gate) => gate.look([])));
  const holds = verdicts.every(({ failing }) => failing.length === 0);
  if (holds) timeline.add(event, { datacenter });
  return holds;
}

/** Whether all agents report the same leader, and that is another one than before. */
async function hasNewLeader({ datacenter, agents, leader }: Led, timeline: FaultTimeline) {
  const answers = await ask(agents, (consul) => consul.leader());
  if (agreedLeader(answers).failing.length > 0) return false;
  const [reported] = answers;
  const address = typeof reported?.answer === "string" ? hostOf(reported.answer) : "";
  const named = agents.find(({ ip }) => ip === address)?.node;
  if (named === undefined || named === leader) return false;
  timeline.add("election", { datacenter, leader: named });
  return true;
}

/**
 * Writes through each agent in turn, until one write is accepted. It deletes a key that does not exist:
 * Raft commits that like any other write, and it changes nothing (Consul's `kvsDeleteTxn`).
 */
async function untilWritten(
  { datacenter, agents }: Led,
  timeline: FaultTimeline,
  ended: AbortSignal,
): Promise<void> {
  const accepted = new AbortController();
  const done = AbortSignal.any([accepted.signal, ended]);
  const failures: unknown[] = [];
  const write = async ({ consul }: FoundAgent) => {
    try {
      await consul.kv.delete(`consul-cluster-action/${randomUUID()}`);
      if (done.aborted) return;
      timeline.add("write", { datacenter });
      accepted.abort();
    } catch (error) {
      if (!(error instanceof ConsulError)) failures.push(error);
    }
  };
  for (let next = 0; !done.aborted; next += 1) {
    const agent = agents[next % agents.length];
    if (agent) void write(agent);
    await pause(writeInterval, done);
    if (failures.length > 0) throw failures[0];
  }
}
