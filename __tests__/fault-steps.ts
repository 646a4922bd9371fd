/** What tests of faults share: the steps, and clients at work while something goes wrong. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import * as z from "zod";
import { root, type StepResult } from "../script/runner.ts";
import { ask, credentials } from "./secured.ts";
import type { Up } from "./support.ts";

/** A job of its own: its steps find its cluster whatever else the engine holds. */
export const ownJob = () => ({ env: { GITHUB_RUN_ID: randomUUID() } });

/** Runs a step of the job with the action `fault`; it must succeed. */
export async function fault(
  { job }: Up,
  action: string,
  target = "",
  more: Readonly<Record<string, string>> = {},
): Promise<StepResult> {
  const result = await job.main({ action, target, ...more }, join(root, "fault"));
  expect(result.exitCode, result.log).toBe(0);
  return result;
}

/** Runs a step of the job with the action `upgrade`, whatever becomes of it. */
export function upgrade({ job }: Up, inputs: Readonly<Record<string, string>>) {
  return job.main(inputs, join(root, "upgrade"));
}

const stateSchema = z.array(z.object({ name: z.string(), state: z.string(), http: z.string() }));

/** Each node's state, as a step's output `nodes` says. */
export function statesIn({ outputs }: StepResult): Record<string, string> {
  const nodes = stateSchema.parse(JSON.parse(outputs.nodes ?? ""));
  return Object.fromEntries(nodes.map(({ name, state }) => [name, state]));
}

/** A client of the KV store: it writes one key after another, through whichever node takes it. */
export class Writer {
  readonly acknowledged: string[] = [];
  readonly #up: Up;
  #isOver = false;
  readonly #running: Promise<void>;

  constructor(up: Up) {
    this.#up = up;
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
      await sleep(20);
    }
  }
}
