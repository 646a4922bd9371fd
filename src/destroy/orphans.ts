/**
 * What earlier steps of a cluster left running: a step in a container that the runner's signals did
 * not reach, and the docker commands of a killed step. They may create a container during or after
 * the removal in the post step, so they must end first.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import * as core from "@actions/core";
import { createsSomething } from "../docker/command-kinds.ts";
import { messageOf } from "../errors.ts";
import { runningSteps } from "../runner/step-records.ts";

/** Milliseconds between two scans of the processes. */
const pause = 50;
/** Milliseconds from SIGKILL until a process counts as one that can't be ended. */
const killGrace = 2000;

interface Process {
  readonly pid: number;
  readonly command: string;
}

/** What became of processes that had to end. */
export interface Ended {
  /** How many have ended. */
  readonly count: number;
  /** Those that not even SIGKILL ended. */
  readonly stuck: readonly Process[];
}

/**
 * Waits until no other step of the cluster is running. Each is asked to end, as the runner would ask,
 * and killed after the timeout.
 *
 * @param folder - with the records of the cluster's steps
 * @param timeout - milliseconds
 */
export function endSteps(folder: string, timeout: number): Promise<Ended> {
  const list = () => runningSteps(folder).map(({ pid, step }) => ({ pid, command: step }));
  return end(list, () => "SIGINT", timeout);
}

/**
 * Waits until no process with this mark is left. A command that creates something may finish, since
 * the engine would finish it anyway and unnoticed; one that only reads or pulls is terminated at
 * once. Whatever still runs after the timeout is killed.
 *
 * @param mark - environment of the processes
 * @param timeout - milliseconds
 * @param platform - of this machine
 */
export function endOrphans(
  mark: Readonly<Record<string, string>>,
  timeout: number,
  platform: NodeJS.Platform = process.platform,
): Promise<Ended> {
  const list = () => markedProcesses(mark, platform).filter(({ pid }) => pid !== process.pid);
  const ask = ({ command }: Process) => (createsSomething(command) ? undefined : "SIGTERM");
  return end(list, ask, timeout);
}

/**
 * Ends processes within a limit: some can't be killed, such as those that wait for a dead disk.
 *
 * @param list - those that are still running, anew for each call
 * @param ask - the first signal for a process; undefined if it may finish
 * @param timeout - milliseconds until SIGKILL
 */
async function end(
  list: () => readonly Process[],
  ask: (process: Process) => NodeJS.Signals | undefined,
  timeout: number,
): Promise<Ended> {
  const killAt = performance.now() + timeout;
  const seen = new Set<number>();
  for (;;) {
    const running = list();
    const now = performance.now();
    if (running.length === 0 || now > killAt + killGrace) {
      for (const { pid } of running) seen.delete(pid);
      return { count: seen.size, stuck: running };
    }
    for (const each of running) {
      if (now > killAt) kill(each.pid, "SIGKILL");
      else if (!seen.has(each.pid)) kill(each.pid, ask(each));
      seen.add(each.pid);
    }
    await sleep(pause);
  }
}

function markedProcesses(
  mark: Readonly<Record<string, string>>,
  platform: NodeJS.Platform,
): Process[] {
  const variables = Object.entries(mark).map(([name, value]) => `${name}=${value}`);
  const all = platform === "linux" ? readProc() : readPs();
  return all
    .filter(({ environment }) => variables.some((variable) => environment.includes(variable)))
    .map(({ pid, command }) => ({ pid, command }));
}

interface MarkedProcess extends Process {
  readonly environment: string;
}

function readProc(): MarkedProcess[] {
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
function readPs(): MarkedProcess[] {
  return psListing()
    .split("\n")
    .flatMap((line) => {
      const [, pid, command] = /^\s*(\d+) (.*)$/.exec(line) ?? [];
      return pid && command ? [{ pid: Number(pid), command, environment: command }] : [];
    });
}

/** @returns an empty listing on a system without such a `ps`: nothing can be ended on Windows */
function psListing(): string {
  try {
    const args = ["-axEww", "-o", "pid=,command="];
    return execFileSync("ps", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    core.debug(`Can't look for docker commands of killed steps: ${messageOf(error)}`);
    return "";
  }
}

function kill(pid: number, signal: NodeJS.Signals | undefined): void {
  try {
    if (signal) process.kill(pid, signal);
  } catch {
    // It has exited by itself, or it may not be killed: the next scan shows which.
  }
}
