/**
 * A step that is killed leaves its docker commands behind: they go on, and may create a container
 * while or after the post step removes what there is. They are told by a variable of their
 * environment.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createsSomething } from "../docker/command-kinds.ts";

/** Milliseconds between two looks at the processes. */
const pause = 50;

/** The variable that marks a cluster's docker commands. */
export function processMark(clusterId: string): Record<string, string> {
  return { CONSUL_CLUSTER_ACTION_ID: clusterId };
}

/**
 * Waits until no process with this mark is left. What creates something is not cut short, since
 * the engine would finish it unseen; what only looks or pulls is ended at once, as is everything
 * that is still there when the patience is at its end.
 *
 * @param patience - milliseconds
 * @returns how many processes there were
 */
export async function endOrphans(mark: Record<string, string>, patience: number): Promise<number> {
  const deadline = performance.now() + patience;
  const seen = new Set<number>();
  for (;;) {
    const orphans = marked(mark).filter(({ pid }) => pid !== process.pid);
    if (orphans.length === 0) return seen.size;
    const isLate = performance.now() > deadline;
    for (const { pid, command } of orphans) {
      if (isLate) end(pid, "SIGKILL");
      else if (!seen.has(pid) && !createsSomething(command)) end(pid, "SIGTERM");
      seen.add(pid);
    }
    await sleep(pause);
  }
}

interface Process {
  readonly pid: number;
  readonly command: string;
}

function marked(mark: Record<string, string>): Process[] {
  const marks = Object.entries(mark).map(([name, value]) => `${name}=${value}`);
  const all = process.platform === "linux" ? readProc() : readPs();
  return all
    .filter(({ environment }) => marks.some((text) => environment.includes(text)))
    .map(({ pid, command }) => ({ pid, command }));
}

interface Listed extends Process {
  readonly environment: string;
}

function readProc(): Listed[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        // A zombie has an empty command line: it ended, and its parent doesn't care.
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
        return command === "" ? [] : [{ pid: Number(pid), command, environment }];
      } catch {
        // Gone between the listing and the look, or another user's: then it isn't ours.
        return [];
      }
    });
}

/** `ps` of macOS: -E writes the environment behind the command. */
function readPs(): Listed[] {
  const listing = execFileSync("ps", ["-axEww", "-o", "pid=,command="], { encoding: "utf8" });
  return listing.split("\n").flatMap((line) => {
    const [, pid, command] = /^\s*(\d+) (.*)$/.exec(line) ?? [];
    return pid && command ? [{ pid: Number(pid), command, environment: command }] : [];
  });
}

function end(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It may have ended meanwhile, which is what was wanted.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
