/** The processes of this machine, as Linux lists them in /proc. Other systems have no such list. */
import { readFileSync, readlinkSync } from "node:fs";

/** A process. Its start time sets it apart from later processes with the same ID. */
export interface ProcessIdentity {
  /** The program's name, which the kernel cuts to 15 characters. */
  readonly name: string;
  readonly pid: number;
  /** Clock ticks from the boot of the machine to the start of the process. */
  readonly startTime: string;
}

export interface ListedProcess extends ProcessIdentity {
  /** ID of the parent process; 0 if there is none in this namespace. */
  readonly parent: number;
  /** Whether it has exited, but its parent has not yet asked how. */
  readonly isZombie: boolean;
}

/** GitHub's runner starts a process with this name for each job (actions/runner, `JobDispatcher`). */
export const jobProcessName = "Runner.Worker";

/** Names of the other programs that run jobs. No job outlives its program. */
const otherRunners: readonly RegExp[] = [
  // nektos/act, also as an extension of GitHub's CLI: one process per call, with any number of jobs.
  /^(gh-)?act$/,
  // Daemons that run jobs until they are stopped. A file from a release page has the version in its
  // name. The prefix alone is not enough: a script that starts the daemon may end before it.
  /^(act_runner|gitea-runner|forgejo-runner)(-\d.*|-)?$/,
];

/**
 * The runner's process that started this step: the closest ancestor with a runner's name.
 *
 * @param from - ID of the process to start from
 * @param look - how to look up a process
 * @returns undefined if no ancestor is a known runner, as in a job container
 */
export function runnerProcess(
  from: number = process.ppid,
  look: (pid: number) => ListedProcess | undefined = listedProcess,
): ProcessIdentity | undefined {
  for (let listed = look(from); listed; listed = look(listed.parent)) {
    const { name, pid, startTime } = listed;
    const isRunner = name === jobProcessName || otherRunners.some((pattern) => pattern.test(name));
    if (isRunner) return { name, pid, startTime };
  }
  return undefined;
}

/** @returns this process; undefined on systems without /proc */
export function ownProcess(): ProcessIdentity | undefined {
  const listed = listedProcess(process.pid);
  return listed && { name: listed.name, pid: listed.pid, startTime: listed.startTime };
}

/** Whether this very process is still running. It must be of this boot and of this PID namespace. */
export function isAlive({ pid, startTime }: Pick<ProcessIdentity, "pid" | "startTime">): boolean {
  const listed = listedProcess(pid);
  if (listed) return listed.startTime === startTime && !listed.isZombie;
  try {
    // /proc may hide the processes of other users (its mount option `hidepid`).
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** The namespace that process IDs are valid in: `pid:[4026531836]`; empty if unknown. */
export function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

function listedProcess(pid: number): ListedProcess | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/** Parses the content of /proc/<pid>/stat, see proc(5). */
export function parseStat(stat: string): ListedProcess {
  // The name is in parentheses, and may contain both parentheses and spaces.
  const nameEnd = stat.lastIndexOf(")");
  const [pid = "", name = ""] = stat.slice(0, nameEnd).split(/ \((.*)/s);
  // The first of these is the third field.
  const fields = stat.slice(nameEnd + 2).split(" ");
  const [state, parent] = fields;
  const isZombie = state === "Z";
  return { name, pid: Number(pid), parent: Number(parent), startTime: fields[19] ?? "", isZombie };
}
