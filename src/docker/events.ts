import { type Exit, parseExit } from "./answers.ts";
import { Cli } from "./cli.ts";
import { DockerError } from "./docker-error.ts";
import type { CommandContext } from "./spawned.ts";

/**
 * Waits for the first container that ends.
 *
 * @param filters - `label=…`; the container must match all of them
 * @param since - a container that has ended since then counts, too
 * @throws DockerError if the engine goes away
 */
export async function firstExit(
  context: CommandContext,
  filters: readonly string[],
  since: Date,
): Promise<Exit> {
  const scope = new AbortController();
  let exit: Exit | undefined;
  const onLine = (line: string, stream: string) => {
    // An engine that goes away leaves an error message, and perhaps half an event.
    if (stream === "stderr" || !line.endsWith("}")) return;
    exit ??= parseExit(line, filters);
    if (exit) scope.abort();
  };
  const matching = [...filters, "event=die"].map((filter) => `--filter=${filter}`);
  const args = ["events", `--since=${since.toISOString()}`, ...matching, "--format={{json .}}"];
  await new Cli({ ...context, signal: AbortSignal.any([context.signal, scope.signal]) })
    .run(args, { onLine })
    .catch((error: unknown) => {
      if (!exit) throw error;
    });
  if (exit) return exit;
  throw new DockerError("engine-unreachable", "events", "the engine closed the connection.");
}
