/** What the work in a scope gets. */
export interface Scope {
  /** Aborts when the scope ends, and when the signal around it aborts. */
  readonly signal: AbortSignal;
  /** Adds a task: the scope waits for it, whether the work does or not. */
  start<T>(task: Promise<T>): Promise<T>;
}

/**
 * Does work that runs tasks side by side, none of which may outlive it. A docker command that goes on
 * after a failure could still create something, and a pull could take minutes.
 *
 * When the work is done or fails, the scope's signal aborts and every task is awaited.
 */
export async function withScope<T>(
  around: AbortSignal,
  work: (scope: Scope) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const tasks: Promise<unknown>[] = [];
  const start = <R>(task: Promise<R>) => {
    // The work may look at it late, or never. Until then a rejection must not end the process.
    task.catch(() => {});
    tasks.push(task);
    return task;
  };
  try {
    return await work({ signal: AbortSignal.any([around, controller.signal]), start });
  } finally {
    controller.abort();
    await Promise.allSettled(tasks);
  }
}
