import { setTimeout as sleep } from "node:timers/promises";
import { ConsulError } from "../consul/http.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";

/** Milliseconds between two writes. */
const pause = 50;

/**
 * Writes through the cluster again and again, like a client that has several agents' addresses: if
 * one agent doesn't acknowledge a write, it tries the next.
 */
export class WriteProbe {
  readonly key: string;
  readonly #agents: readonly FoundAgent[];
  #away: FoundAgent | undefined;
  readonly #scope = new AbortController();
  readonly #running: Promise<void>;
  #acknowledged = 0;
  #longest = 0;

  /** @param agents - the agents to write through, the last one first: clients before servers */
  constructor(key: string, agents: readonly FoundAgent[]) {
    this.key = key;
    this.#agents = agents.toReversed();
    this.#running = this.#run();
    // stop() awaits it. Until then a failure must not end the process.
    this.#running.catch(() => {});
  }

  /** The last acknowledged number; 0 if there is none. A read may return a higher one, never less. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Does something that takes this agent away. Meanwhile the agent is not asked. */
  async without(agent: FoundAgent, work: () => Promise<void>): Promise<void> {
    this.#away = agent;
    try {
      await work();
    } finally {
      this.#away = undefined;
    }
  }

  /**
   * Stops writing.
   *
   * @returns milliseconds until the slowest write was acknowledged, including retries through other
   *   agents
   */
  async stop(): Promise<number> {
    this.#scope.abort();
    await this.#running;
    return Math.round(this.#longest);
  }

  async #run(): Promise<void> {
    for (let number = 1; !this.#scope.signal.aborted; number++) {
      const started = performance.now();
      await this.#write(number);
      this.#longest = Math.max(this.#longest, performance.now() - started);
      await sleep(pause);
    }
  }

  async #write(number: number): Promise<void> {
    while (!this.#scope.signal.aborted) {
      for (const agent of this.#agents)
        if (agent !== this.#away && (await this.#attempt(agent, number))) return;
      await sleep(pause);
    }
  }

  async #attempt(agent: FoundAgent, number: number): Promise<boolean> {
    try {
      await agent.consul.kv.set({ key: this.key, value: Buffer.from(String(number)) });
      this.#acknowledged = number;
      return true;
    } catch (error) {
      if (error instanceof ConsulError) return false;
      throw error;
    }
  }
}
