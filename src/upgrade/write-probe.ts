import { setTimeout as sleep } from "node:timers/promises";
import { ConsulError } from "../consul/http.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";

/** Milliseconds between two writes. */
const pause = 50;

/**
 * Writes through the cluster again and again, as a client with the addresses of several agents
 * does: where one does not take a write, the next is asked.
 */
export class WriteProbe {
  readonly key: string;
  readonly #agents: readonly FoundAgent[];
  #away: FoundAgent | undefined;
  readonly #scope = new AbortController();
  readonly #running: Promise<void>;
  #acknowledged = 0;
  #longest = 0;

  /** @param agents - through whom to write, the last preferred: a client is asked before a server */
  constructor(key: string, agents: readonly FoundAgent[]) {
    this.key = key;
    this.#agents = agents.toReversed();
    this.#running = this.#run();
    // Awaited by stop(); until then a failure must not end the process.
    this.#running.catch(() => {});
  }

  /** The number that was last acknowledged; 0 for none. A read may give a higher one, never less. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Does something while this agent, known to be away, is not asked. */
  async without(agent: FoundAgent, work: () => Promise<void>): Promise<void> {
    this.#away = agent;
    try {
      await work();
    } finally {
      this.#away = undefined;
    }
  }

  /**
   * Ends the writing.
   *
   * @returns milliseconds that the slowest write took until it was acknowledged, with all attempts
   *   through other agents
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
      await agent.consul.setKey({ key: this.key, value: Buffer.from(String(number)) });
      this.#acknowledged = number;
      return true;
    } catch (error) {
      if (error instanceof ConsulError) return false;
      throw error;
    }
  }
}
