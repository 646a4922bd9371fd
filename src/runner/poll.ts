import { setTimeout as sleep } from "node:timers/promises";

/** When a wait gives up: on timeout, or when the signal aborts. */
export interface WaitLimits {
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * Milliseconds between two checks. A check costs an agent about 1 ms, so a long wait checks less
 * often, to leave the CPU to the job's own work. It ends 1% late on average.
 *
 * @param waited - milliseconds since the first check
 */
export const pauseAfter = (waited: number) => Math.min(250, Math.max(25, waited / 50));

/**
 * Checks a condition repeatedly until it holds.
 *
 * @param check - gets the milliseconds waited so far. Returns undefined if the condition holds, or
 *   else a function that makes the error to throw on timeout
 * @throws that error on timeout, or an AbortError when the signal aborts
 */
export async function poll(
  check: (waited: number) => Promise<(() => Error | Promise<Error>) | undefined>,
  { timeout, signal }: WaitLimits,
): Promise<void> {
  const started = performance.now();
  for (;;) {
    const waited = performance.now() - started;
    const timeoutError = await check(waited);
    if (!timeoutError) return;
    if (waited > timeout) throw await timeoutError();
    await sleep(pauseAfter(waited), undefined, { signal });
  }
}
