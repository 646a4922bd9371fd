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

/** Milliseconds that an event may be old. The engine keeps its last 256 (moby, daemon/events). */
const oldest = 60_000;

/**
 * Whether a container ran out of memory. The kernel tells the engine by another way than that a process has
 * ended, and so now and then later, when the container's state no longer takes it in (1 of 14 kills on a busy
 * machine, Docker 20.10: 37 ms later).
 *
 * @param until - how long to wait for the news; it may be over
 */
export async function ranOutOfMemory(cli: Cli, container: string, until: Date): Promise<boolean> {
  const since = new Date(until.getTime() - oldest);
  const span = [`--since=${since.toISOString()}`, `--until=${until.toISOString()}`];
  const matching = [`container=${container}`, "event=oom"];
  return (await cli.list(["events", ...span, "--format={{json .}}"], matching)).length > 0;
}
