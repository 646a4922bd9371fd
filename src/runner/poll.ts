import { setTimeout as sleep } from "node:timers/promises";

/** How long to go on. */
export interface Patience {
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * Milliseconds between two looks. A look costs an agent about 1 ms, which a long wait should not take
 * from the job's own work: the longer the wait, the later it ends, by 1% on average.
 */
const pauseAfter = (waited: number) => Math.min(250, Math.max(25, waited / 50));

/**
 * Looks again and again until what is awaited has come.
 *
 * @param look - gets the milliseconds waited so far. Returns undefined when the wait is over, and
 *   otherwise what makes the error to throw if time is up
 * @throws that error, or an AbortError when the signal aborts
 */
export async function poll(
  look: (waited: number) => Promise<(() => Error | Promise<Error>) | undefined>,
  { timeout, signal }: Patience,
): Promise<void> {
  const started = performance.now();
  for (;;) {
    const waited = performance.now() - started;
    const failure = await look(waited);
    if (!failure) return;
    if (waited > timeout) throw await failure();
    await sleep(pauseAfter(waited), undefined, { signal });
  }
}
