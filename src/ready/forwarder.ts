import type { Exit } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { ActionError, messageOf } from "../errors.ts";

/** Lines of its log to show when a forwarder exits. */
const lastLines = 15;

/** Why the job no longer reaches agents on other engines: their forwarder exited. */
export async function explainForwarder(
  docker: Docker,
  { container, exitCode }: Exit,
): Promise<ActionError> {
  const lines = await docker.logs(container, lastLines).catch((error) => [messageOf(error)]);
  const quote = {
    heading: `Last lines of ${container}'s log:`,
    lines: lines.length > 0 ? lines : ["(empty)"],
  };
  return new ActionError(
    `${container} exited`,
    `The container ${container} exited (exit code ${exitCode}). Through it the job reaches the agents on other engines. They may be well: the next step that asks them starts it again.`,
    { quotes: [quote] },
  );
}
