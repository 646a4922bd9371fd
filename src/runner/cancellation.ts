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
