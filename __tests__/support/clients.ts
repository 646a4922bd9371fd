/** Clients that keep working while something happens to a cluster, and what they noticed. */
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { ClusterNode, Up } from "./cluster.ts";
import { resolveByUdp } from "./consul.ts";
import { ask, credentials } from "./later-step.ts";

/** A client of the KV store: it writes one key after another, through the first node that accepts it. */
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

  /** Stops writing. @returns the acknowledged keys that a consistent read through one node does not find */
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

/** A client of service discovery: it keeps asking for a service's nodes. */
export class Reader {
  /** The names in its answers, one entry per change. */
  readonly seen: string[][] = [];
  /** Its errors. */
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

/** Reads a service's nodes through a node's DNS. */
export function dnsReader({ nodes }: Up, { dns }: ClusterNode, service: string): Reader {
  return new Reader(async () => {
    const addresses = await resolveByUdp(dns, `${service}.service.consul`);
    return addresses.map((ip) => nodes.find((node) => node.ip === ip)?.name ?? ip);
  });
}

const serviceSchema = z.array(z.object({ Node: z.object({ Node: z.string() }) }));

/**
 * Reads a service's nodes by blocking queries, as Consul's documentation describes it: each query
 * waits for a change since the last answer, and starts from index 0 after an error.
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
