/** What a scope passes to its work. */
export interface Scope {
  /** Aborts when the scope ends or the outer signal aborts. */
  readonly signal: AbortSignal;
  /** Adds a task. The scope awaits it, even if the work does not. */
  start<T>(task: Promise<T>): Promise<T>;
}

/**
 * Runs work with concurrent tasks, none of which may outlive it: after a failure a docker command
 * could still create something, and a pull could take minutes.
 *
 * When the work ends or fails, the scope's signal aborts and every task is awaited.
 *
 * @param outer - aborts the scope's signal too
 * @returns what the work returns
 */
export async function withScope<T>(
  outer: AbortSignal,
  work: (scope: Scope) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const tasks: Promise<unknown>[] = [];
  const start = <R>(task: Promise<R>) => {
    // The work may await it late or never. Until then a rejection must not crash the process.
    task.catch(() => {});
    tasks.push(task);
    return task;
  };
  try {
    return await work({ signal: AbortSignal.any([outer, controller.signal]), start });
  } finally {
    controller.abort();
    await Promise.allSettled(tasks);
  }
}
