/** What tests of faults share: the steps, and clients at work while something goes wrong. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import * as z from "zod";
import { root, runId, type StepResult } from "../script/runner.ts";
import { resolveByUdp } from "./consul.ts";
import { ask, credentials } from "./secured.ts";
import type { Up } from "./support.ts";

/** A job of its own: its steps find its cluster whatever else the engine holds. */
export const ownJob = () => ({ env: { GITHUB_RUN_ID: `${runId}-${randomUUID()}` } });

/**
 * Consul's own clocks, faster: for tests of whether steps wait for them, not of how long they are.
 * Without the cleanup a server that was killed keeps its vote, and needs no round of autopilot.
 */
export const fastClocks = `
  gossip_lan { probe_interval = "500ms", probe_timeout = "400ms" }
  performance { leave_drain_time = "100ms" }
  autopilot { cleanup_dead_servers = false }
`;

/** Runs a step of the job with the action `fault`; it must succeed, and print no secret. */
export async function fault(
  { job, outputs }: Up,
  action: string,
  target = "",
  more: Readonly<Record<string, string>> = {},
): Promise<StepResult> {
  const result = await job.main({ action, target, ...more }, join(root, "fault"));
  expect(result.exitCode, result.log).toBe(0);
  const { "http-token": token } = outputs;
  if (token) expect(result.rawLog).not.toContain(token);
  return result;
}

/** Runs a step of the job with the action `upgrade`, whatever becomes of it. */
export function upgrade({ job }: Up, inputs: Readonly<Record<string, string>>) {
  return job.main(inputs, join(root, "upgrade"));
}

const nodesSchema = z.array(z.object({ name: z.string(), state: z.string(), ip: z.string() }));
const nodesIn = ({ outputs }: StepResult) => nodesSchema.parse(JSON.parse(outputs.nodes ?? ""));

/** Each node's state, as a step's output `nodes` says. */
export const statesIn = (step: StepResult) =>
  Object.fromEntries(nodesIn(step).map(({ name, state }) => [name, state]));

/** Each node's address in the cluster's network, as a step's output `nodes` says. */
export const addressesIn = (step: StepResult) =>
  Object.fromEntries(nodesIn(step).map(({ name, ip }) => [name, ip]));

/** A client of the KV store: it writes one key after another, through whichever node takes it. */
export class Writer {
  readonly acknowledged: string[] = [];
  readonly #up: Up;
  readonly #pause: number;
  #isOver = false;
  readonly #running: Promise<void>;

  /** @param pause - milliseconds between two writes */
  constructor(up: Up, pause = 20) {
    this.#up = up;
    this.#pause = pause;
    this.#running = this.#run();
  }

  /** Ends the writing; then reads all that was acknowledged, through one node. */
  async missing(): Promise<string[]> {
    this.#isOver = true;
    await this.#running;
    const [{ http } = { http: "" }] = this.#up.nodes;
    const { body } = await ask(`${http}/v1/kv/writes?keys&consistent`, credentials(this.#up));
    const kept = z.array(z.string()).parse(JSON.parse(body));
    return this.acknowledged.filter((key) => !kept.includes(key));
  }

  async #run(): Promise<void> {
    const secrets = credentials(this.#up);
    for (let number = 1; !this.#isOver; number++) {
      const key = `writes/${number}`;
      for (const { http } of this.#up.nodes) {
        const options = { ...secrets, body: "x" };
        // A frozen node never answers.
        const late = sleep(1000, { status: 0 });
        const answer = await Promise.race([
          ask(`${http}/v1/kv/${key}`, options).catch(() => ({ status: 0 })),
          late,
        ]);
        if (answer.status !== 200) continue;
        this.acknowledged.push(key);
        break;
      }
      await sleep(this.#pause);
    }
  }
}

/** A client of service discovery: it asks for a service's nodes again and again. */
export class Reader {
  /** The names that it got, whenever they changed. */
  readonly seen: string[][] = [];
  /** What it got instead of an answer. */
  readonly failures: string[] = [];
  readonly #scope = new AbortController();
  readonly #running: Promise<void>;

  /** @param question - one question; it must end with the signal */
  constructor(question: (signal: AbortSignal) => Promise<readonly string[]>) {
    this.#running = this.#run(question);
  }

  async stop(): Promise<void> {
    this.#scope.abort();
    await this.#running;
  }

  async #run(question: (signal: AbortSignal) => Promise<readonly string[]>): Promise<void> {
    const { signal } = this.#scope;
    for (; !signal.aborted; await sleep(20)) {
      try {
        const names = (await question(signal)).toSorted();
        if (names.join() !== this.seen.at(-1)?.join()) this.seen.push(names);
      } catch (error) {
        if (!signal.aborted) this.failures.push(String(error));
      }
    }
  }
}

/** Reads a service's nodes through DNS. */
export function dnsReader({ outputs, nodes }: Up, service: string): Reader {
  return new Reader(async () => {
    const addresses = await resolveByUdp(outputs["dns-address"] ?? "", `${service}.service.consul`);
    return addresses.map((ip) => nodes.find((node) => node.ip === ip)?.name ?? ip);
  });
}

const serviceSchema = z.array(z.object({ Node: z.object({ Node: z.string() }) }));

/**
 * Reads a service's nodes by blocking queries, as Consul's documentation has a client do it: the
 * next question waits for what changes after the last answer, and begins anew after an error.
 */
export function blockingReader(http: string, service: string): Reader {
  let index = "0";
  return new Reader(async (signal) => {
    const asked = index;
    index = "0";
    const url = `${http}/v1/health/service/${service}?passing&index=${asked}&wait=60s`;
    const answer = await fetch(url, { signal });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status}: ${body}`);
    index = answer.headers.get("x-consul-index") ?? "0";
    return serviceSchema.parse(JSON.parse(body)).map(({ Node }) => Node.Node);
  });
}
