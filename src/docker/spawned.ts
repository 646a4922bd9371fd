import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { pipeGrace } from "./ahead.ts";
import { kindOf } from "./command-kinds.ts";
import { commandFailed, commandNotStarted } from "./docker-error.ts";
import { LineSplitter } from "./lines.ts";

/** What holds for every command to one `Engine`; see its constructor. */
export interface CommandContext {
  readonly signal: AbortSignal;
  readonly trace: (text: string) => void;
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds that a question may go without an answer. */
  readonly patience: number;
  readonly dockerContext: string;
}

/** A docker command as the program gets it. It takes the option before DOCKER_HOST. */
export const commandLineOf = (
  args: readonly string[],
  { dockerContext }: Pick<CommandContext, "dockerContext">,
): string[] => [...(dockerContext === "" ? [] : [`--context=${dockerContext}`]), ...args];

export interface RunOptions {
  /** Gets each line of output, from both streams, as it comes. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /** Gets standard output as bytes; it is not collected as text then. */
  readonly onBytes?: (bytes: Buffer) => void;
  /** Standard input of the command. */
  readonly input?: string | Uint8Array;
  /** The rest of it, for which the command is kept waiting. After an abort the input just ends. */
  readonly laterInput?: Promise<string>;
}

/**
 * Milliseconds that a creating command has left after an abort. An engine finishes what it was
 * asked to do even when the CLI is gone, and would create it behind our back. The runner gives a
 * canceled step 7500.
 */
const creationGrace = 4000;
/** Milliseconds from SIGTERM to SIGKILL. */
const endGrace = 1500;
/** Milliseconds from SIGKILL to the end of the wait: some processes can't be killed. */
const killGrace = 2000;

/**
 * Runs a command that changes or streams something, and waits until its process has ended, by
 * itself or because of an abort. A `docker` that is a wrapper script ends with its children.
 *
 * @returns standard output
 * @throws DockerError if the command fails; the signal's reason if it is aborted
 */
export async function runSpawned(
  args: readonly string[],
  context: CommandContext,
  options: RunOptions = {},
): Promise<string> {
  const { signal, env } = context;
  const child = spawn("docker", commandLineOf(args, context), {
    env: { ...process.env, ...env },
    // A process group, so that an abort reaches what the process itself started.
    detached: true,
  });
  let failure: Error | undefined;
  child.on("error", (error) => {
    failure = error;
  });
  // A CLI that ends before it has read everything closes the pipe. Its exit code says why.
  child.stdin.on("error", () => {});
  child.stdin.write(options.input ?? "");
  Promise.resolve(options.laterInput).then((rest) => child.stdin.end(rest ?? ""));
  const output = collect(child, options);
  const grace = kindOf(args) === "creates" ? creationGrace : 0;
  const abandoned = Promise.withResolvers<null>();
  const release = endOnAbort(child, signal, grace, () => abandoned.resolve(null));
  const exitCode = await Promise.race([exit(child), abandoned.promise]);
  release();
  if (exitCode === 0) return output.stdout;
  signal.throwIfAborted();
  if (failure && child.pid === undefined) throw commandNotStarted(args, failure);
  throw commandFailed(args, output.stderr, exitCode);
}

/** @returns the output, which grows until the process has ended */
function collect(
  child: ChildProcessWithoutNullStreams,
  { onLine, onBytes }: RunOptions,
): { stdout: string; stderr: string } {
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    const pipe = child[stream];
    if (stream === "stdout" && onBytes) {
      pipe.on("data", onBytes);
      continue;
    }
    if (onLine) {
      const lines = new LineSplitter((line) => onLine(line, stream));
      pipe.on("data", (bytes: Buffer) => lines.write(bytes)).on("end", () => lines.end());
    }
    const decoder = new TextDecoder();
    pipe.on("data", (bytes: Buffer) => {
      output[stream] += decoder.decode(bytes, { stream: true });
    });
  }
  return output;
}

/** @returns the exit code, null after a signal; all output has been read, or had its time */
function exit(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    child.on("exit", () => {
      timer = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, pipeGrace);
    });
    child.on("close", (exitCode) => {
      clearTimeout(timer);
      resolve(exitCode);
    });
  });
}

/**
 * Ends a process group if the signal aborts: its input at once, SIGTERM after the grace, then SIGKILL.
 *
 * @param grace - milliseconds
 * @param abandon - is called if not even SIGKILL ends the leader
 * @returns what to call when the leader has exited; it kills what is left of an aborted group
 */
function endOnAbort(
  { pid: leader, stdin }: ChildProcessWithoutNullStreams,
  signal: AbortSignal,
  grace: number,
  abandon: () => void,
): () => void {
  const timers: NodeJS.Timeout[] = [];
  const end = () => {
    stdin.end();
    timers.push(setTimeout(() => signalGroup(leader, "SIGTERM"), grace));
    timers.push(setTimeout(() => signalGroup(leader, "SIGKILL"), grace + endGrace));
    timers.push(setTimeout(abandon, grace + endGrace + killGrace));
  };
  signal.addEventListener("abort", end, { once: true });
  return () => {
    signal.removeEventListener("abort", end);
    for (const timer of timers) clearTimeout(timer);
    if (signal.aborted) signalGroup(leader, "SIGKILL");
  };
}

/**
 * Windows has no process groups: there the leader alone ends, at once.
 *
 * @param leader - process id; undefined if the process did not start
 */
function signalGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(process.platform === "win32" ? leader : -leader, signal);
  } catch (error) {
    // ESRCH: the group is gone. EPERM: on macOS, only zombies are left of it.
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
