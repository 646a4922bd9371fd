import { ActionError } from "../errors.ts";

/**
 * A signal that aborts when the runner cancels the step. The runner sends SIGINT, SIGTERM 7.5 s
 * later, and SIGKILL 2.5 s after that (actions/runner, ProcessInvoker).
 *
 * @param step - the action's name, for the message
 */
export function cancellation(step: string): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () =>
      controller.abort(
        new ActionError("Canceled", `The \`${step}\` step was canceled (${signal}).`),
      ),
    );
  return controller.signal;
}

/** Milliseconds that cleaning up may take after a cancellation: the runner kills the step after 10 s. */
const cleanupTime = 5000;

/**
 * A signal for cleaning up, which a cancellation does not end at once. Without one, nothing limits the time:
 * on a busy machine, a docker command may take many seconds.
 *
 * @param canceled - aborts when the step is canceled
 */
export function cleaningUp(canceled: AbortSignal, time = cleanupTime): AbortSignal {
  const controller = new AbortController();
  const end = () => setTimeout(() => controller.abort(canceled.reason), time).unref();
  if (canceled.aborted) end();
  else canceled.addEventListener("abort", end, { once: true });
  return controller.signal;
}
