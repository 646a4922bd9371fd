import { ConsulError } from "../consul/http.ts";
import { ActionError, type Place, type Problem } from "../errors.ts";
import { placeText } from "../inputs/wording.ts";
import { poll, type WaitLimits } from "../runner/poll.ts";

/** How seeding goes on. Its timeout is for everything to be visible from other agents. */
export interface Seeding extends WaitLimits {
  /** Gets a line for each kind of thing. */
  readonly log: (line: string) => void;
  /** Gets each token's secret as soon as it is known. */
  readonly onSecret: (secret: string) => void;
}

/** Something the cluster file declares. */
export interface Named {
  readonly name: string;
  readonly place: Place;
}

/** Writes one declared thing to Consul; returns whether Consul accepted it. */
export type Write = (declared: Named, write: () => Promise<void>) => Promise<boolean>;

/** Where refusals go, and how long to go on without an answer. */
export interface Writing {
  readonly problems: Problem[];
  readonly patience: WaitLimits;
}

/**
 * Writes one declared thing to Consul, and adds a refusal to the problems.
 *
 * @throws ActionError if there is no answer in time
 */
export async function collectRefusal(
  { problems, patience }: Writing,
  declared: Named,
  write: () => Promise<void>,
): Promise<boolean> {
  try {
    await untilAnswered(declared, write, patience);
    return true;
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    problems.push(refusedByConsul(declared, error.message));
    return false;
  }
}

/**
 * Writes again as long as there is no answer, which is no refusal: the agent may only be slow.
 *
 * @param write - must not mind if the last attempt has succeeded after all
 * @throws ConsulError if Consul refuses
 * @throws ActionError if there is no answer in time
 */
async function untilAnswered(
  { name, place }: Named,
  write: () => Promise<void>,
  patience: WaitLimits,
): Promise<void> {
  await poll(async () => {
    try {
      await write();
      return undefined;
    } catch (error) {
      if (!(error instanceof ConsulError) || error.status !== undefined) throw error;
      const message = `${placeText(place)}: \`${name}\` was not applied within ${patience.timeout / 1000} s. The agent's last answer: ${error.message}. Raise \`timeout\`, or look for the reason in the agents' logs.`;
      return () => new ActionError("The cluster file is not fully applied", message);
    }
  }, patience);
}

export function refusedByConsul({ name, place }: Named, reason: string): Problem {
  const message = `${placeText(place)}: Consul refused \`${name}\`: ${reason}`;
  return { input: "cluster", place, message };
}

/**
 * Waits until nothing is missing.
 *
 * @param look - returns what is still missing, or undefined; gets the milliseconds waited so far
 * @param explain - makes the message when time is up
 * @throws ActionError when time is up
 */
export async function untilNothingIsMissing(
  look: (waited: number) => Promise<string | undefined>,
  patience: WaitLimits,
  explain: (missing: string) => string,
): Promise<void> {
  await poll(async (waited) => {
    const missing = await look(waited).catch((error: unknown) => {
      if (error instanceof ConsulError) return error.message;
      throw error;
    });
    if (missing === undefined) return undefined;
    const message = `${explain(missing)} (Waited ${patience.timeout / 1000} s.)`;
    return () => new ActionError("The cluster file is not fully applied", message);
  }, patience);
}
