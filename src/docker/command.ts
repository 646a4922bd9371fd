import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { dockerError } from "./docker-error.ts";

export interface RunOptions {
  /** Gets each line of output, of both streams, as it comes. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /** What the command reads on its standard input. */
  readonly input?: string | Uint8Array;
  /**
   * The command creates something. An abort lets it finish for a moment: an engine goes on with
   * what it was asked even when the CLI is gone, and would create it behind our back.
   */
  readonly creates?: true;
}

/** Milliseconds that a creating command has left after an abort. The runner gives us 7500. */
const creationGrace = 4000;
/** Milliseconds from asking the CLI to end until it is killed. */
const endGrace = 1500;

/** What holds for every command of one `Docker`; see its constructor. */
interface Scope {
  readonly signal: AbortSignal;
  readonly trace: (text: string) => void;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs the CLI and waits until its process is gone, whether it ended or was aborted. */
export async function runDocker(
  args: readonly string[],
  { signal, trace, env }: Scope,
  options: RunOptions = {},
): Promise<string> {
  signal.throwIfAborted();
  trace(`docker ${args.join(" ")}`);
  const child = spawn("docker", args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let failure: Error | undefined;
  child.on("error", (error) => {
    failure = error;
  });
  // A CLI that ends before it has read all closes the pipe; its exit code tells of that.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
    if (options.onLine)
      createInterface(child[stream]).on("line", (line) => options.onLine?.(line, stream));
  }
  const release = endOnAbort(child, signal, options.creates ? creationGrace : 0);
  const exitCode = await new Promise<number | null>((resolve) => child.on("close", resolve));
  release();
  if (exitCode === 0) return output.stdout;
  signal.throwIfAborted();
  throw dockerError(args, child.pid === undefined ? failure : undefined, output.stderr, exitCode);
}

/**
 * Ends a process when the signal aborts: asks it after a grace, and kills it if it doesn't listen.
 *
 * @param grace - milliseconds
 * @returns what to call when the process is gone
 */
function endOnAbort(child: ChildProcess, signal: AbortSignal, grace: number): () => void {
  const timers: NodeJS.Timeout[] = [];
  const end = () => {
    timers.push(setTimeout(() => child.kill("SIGTERM"), grace));
    timers.push(setTimeout(() => child.kill("SIGKILL"), grace + endGrace));
  };
  signal.addEventListener("abort", end, { once: true });
  return () => {
    signal.removeEventListener("abort", end);
    for (const timer of timers) clearTimeout(timer);
  };
}
