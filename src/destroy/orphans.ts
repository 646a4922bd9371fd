/**
 * A killed step leaves its docker commands running. They may create a container during or after the
 * removal in the post step. An environment variable identifies them.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createsSomething } from "../docker/command-kinds.ts";

/** Milliseconds between two scans of the processes. */
const pause = 50;

/** Environment that marks the docker commands of a cluster. */
export function processMark(clusterId: string): Record<string, string> {
  return { CONSUL_CLUSTER_ACTION_ID: clusterId };
}

/**
 * Waits until no process with this mark is left. A command that creates something may finish, since
 * the engine would finish it anyway and unnoticed; one that only reads or pulls is terminated at
 * once. Whatever still runs after the timeout is killed.
 *
 * @param timeout - milliseconds
 * @returns how many processes there were
 */
export async function endOrphans(mark: Record<string, string>, timeout: number): Promise<number> {
  const deadline = performance.now() + timeout;
  const seen = new Set<number>();
  for (;;) {
    const orphans = markedProcesses(mark).filter(({ pid }) => pid !== process.pid);
    if (orphans.length === 0) return seen.size;
    const isLate = performance.now() > deadline;
    for (const { pid, command } of orphans) {
      if (isLate) kill(pid, "SIGKILL");
      else if (!seen.has(pid) && !createsSomething(command)) kill(pid, "SIGTERM");
      seen.add(pid);
    }
    await sleep(pause);
  }
}

interface Process {
  readonly pid: number;
  readonly command: string;
}

function markedProcesses(mark: Record<string, string>): Process[] {
  const variables = Object.entries(mark).map(([name, value]) => `${name}=${value}`);
  const all = process.platform === "linux" ? readProc() : readPs();
  return all
    .filter(({ environment }) => variables.some((variable) => environment.includes(variable)))
    .map(({ pid, command }) => ({ pid, command }));
}

interface ListedProcess extends Process {
  readonly environment: string;
}

function readProc(): ListedProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        // A zombie has an empty command line: it has exited, and its parent has not reaped it.
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
        return command === "" ? [] : [{ pid: Number(pid), command, environment }];
      } catch {
        // Either it exited after the listing, or it belongs to another user and isn't ours.
        return [];
      }
    });
}

/** macOS: with -E, `ps` prints the environment after the command. */
function readPs(): ListedProcess[] {
  const listing = execFileSync("ps", ["-axEww", "-o", "pid=,command="], { encoding: "utf8" });
  return listing.split("\n").flatMap((line) => {
    const [, pid, command] = /^\s*(\d+) (.*)$/.exec(line) ?? [];
    return pid && command ? [{ pid: Number(pid), command, environment: command }] : [];
  });
}

function kill(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It may have exited by itself, which is just as good.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
