import { setTimeout as sleep } from "node:timers/promises";
import type { Consul } from "../consul/consul.ts";
import { ConsulError } from "../consul/http.ts";
import { ActionError, type Place, type Problem } from "../errors.ts";
import { placeText } from "../inputs/wording.ts";

/** An agent that seeds are given to. */
export interface SeedAgent {
  readonly node: string;
  readonly datacenter: string;
  readonly role: "server" | "client";
  readonly consul: Consul;
}

/** How seeding goes on and ends. */
export interface Seeding {
  /** Milliseconds until all must be seen from elsewhere. */
  readonly timeout: number;
  /** Gets a line for each kind of thing. */
  readonly log: (line: string) => void;
  /** Gets each token's secret as soon as it is known. */
  readonly onSecret: (secret: string) => void;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** Milliseconds between two looks at the catalog. */
const pause = 25;

export interface Named {
  readonly name: string;
  readonly place: Place;
}

/** Gives one thing to Consul; notes a refusal and returns whether there was none. */
export type Give = (declared: Named, giving: () => Promise<void>) => Promise<boolean>;

export async function collectRefusal(
  problems: Problem[],
  declared: Named,
  giving: () => Promise<void>,
) {
  try {
    await giving();
    return true;
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    problems.push(refusedByConsul(declared, error.message));
    return false;
  }
}

export function refusedByConsul({ name, place }: Named, reason: string): Problem {
  const message = `${placeText(place)}: Consul did not take \`${name}\`: ${reason}`;
  return { input: "cluster", place, message };
}

/**
 * @param look - tells what lacks, or undefined; gets the milliseconds that have passed
 * @param explain - the message where time is up
 */
export async function untilNothingLacks(
  look: (passed: number) => Promise<string | undefined>,
  { timeout, signal }: Seeding,
  explain: (lacking: string) => string,
): Promise<void> {
  const started = performance.now();
  for (;;) {
    const passed = performance.now() - started;
    const lacking = await look(passed).catch((error: unknown) => {
      if (error instanceof ConsulError) return error.message;
      throw error;
    });
    if (lacking === undefined) return;
    if (passed > timeout) {
      const message = `${explain(lacking)} (After ${timeout / 1000} s.)`;
      throw new ActionError("What is declared is not everywhere", message);
    }
    await sleep(pause, undefined, { signal });
  }
}
