/** Runs an example's workflow on this machine, as a job on GitHub's runners would. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseCommandFile } from "../commands.ts";
import { linePrinter } from "../print.ts";
import { Job, type MainStep, root, runId } from "../runner.ts";
import { workflowOf } from "./list.ts";
import { type ActionStep, filledIn, type RunStep, readWorkflow, type Step } from "./workflow.ts";

/** A step may take this long, in milliseconds. */
const stepTimeout = 300_000;
/** Milliseconds from SIGTERM to SIGKILL for the processes of a step that is ended. */
const endTimeout = 5000;

/** By this variable the runner finds processes that a job left behind, and so do we. */
const tracking = "RUNNER_TRACKING_ID";

/** One run of an example: a job with a workspace that holds all examples. */
class Run {
  /** Holds everything, readable to other users: PostgreSQL does not run as root. */
  readonly #temp = mkdtempSync(join(tmpdir(), "example-"));
  readonly #workspace = join(this.#temp, "workspace");
  /** RUNNER_TEMP of all steps. */
  readonly #runnerTemp = join(this.#temp, "runner");
  readonly #id = randomUUID();
  readonly #job: Job;
  readonly #image: string;
  readonly #signal: AbortSignal;
  readonly #outputs: Record<string, { outputs: Readonly<Record<string, string>> }> = {};
  readonly #env: Record<string, string> = {};
  readonly #path: string[] = [];
  readonly #clusters: MainStep[] = [];

  constructor({ name, image, signal }: Example) {
    this.#image = image;
    this.#signal = signal;
    chmodSync(this.#temp, 0o755);
    cpSync(join(root, "examples"), join(this.#workspace, "examples"), { recursive: true });
    mkdirSync(this.#runnerTemp);
    writeSudo(join(this.#temp, "bin"));
    const env = { GITHUB_RUN_ID: `${runId}-${name}` };
    this.#job = new Job({ temp: this.#temp, env, onLine: linePrinter(console.log) });
  }

  /** Runs a step with one of this repository's actions, which must succeed. */
  async action({ folder, inputs, id }: ActionStep): Promise<void> {
    const isCluster = folder === ".";
    const given = {
      ...(isCluster ? this.#standard(inputs) : {}),
      ...filledIn(inputs, this.#contexts()),
    };
    const step = this.#job.start(given, join(root, folder));
    // As the runner cancels a step.
    const cancel = () => step.process.kill("SIGINT");
    this.#signal.addEventListener("abort", cancel);
    const result = await step.result;
    this.#signal.removeEventListener("abort", cancel);
    if (isCluster) this.#clusters.unshift(result);
    if (id !== undefined) this.#outputs[id] = { outputs: result.outputs };
    Object.assign(this.#env, result.env);
    this.#path.unshift(...result.path);
    if (result.exitCode !== 0) throw new Error(`it ended with exit code ${result.exitCode}`);
  }

  /** What a cluster gets unless its step says otherwise. */
  #standard({ version = "", cluster = "" }: ActionStep["inputs"]): Record<string, string> {
    // It must not collide with others on this machine.
    const ports = { "http-port": "0", "dns-port": "0", "grpc-port": "0" };
    const hasVersion = version !== "" || /^version:/m.test(cluster);
    return hasVersion ? ports : { image: this.#image, ...ports };
  }

  /** Runs a step with commands, which must succeed. */
  async commands({ script, directory, env, isAlways }: RunStep): Promise<void> {
    const exports = join(this.#temp, "exports");
    writeFileSync(exports, "");
    const timeout = AbortSignal.timeout(stepTimeout);
    const limit = isAlways ? timeout : AbortSignal.any([this.#signal, timeout]);
    const shell = spawn("bash", ["-e", "-c", script], {
      cwd: join(this.#workspace, directory),
      env: { ...this.#environment(exports), ...filledIn(env, this.#contexts()) },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const ended = new AbortController();
    const end = () => {
      this.#endProcesses("SIGTERM");
      // Not those of a later step.
      sleep(endTimeout, undefined, { signal: ended.signal }).then(
        () => this.#endProcesses("SIGKILL"),
        () => {},
      );
    };
    limit.addEventListener("abort", end);
    // Not the end of its output, which processes in the background may hold.
    const [exitCode] = await once(shell, "exit");
    limit.removeEventListener("abort", end);
    ended.abort();
    Object.assign(this.#env, parseCommandFile(readFileSync(exports, "utf8")));
    if (limit.aborted) throw new Error(`it was ended, after ${stepTimeout / 1000} s at most`);
    if (exitCode !== 0) throw new Error(`it ended with exit code ${exitCode}`);
  }

  /** The last lines of each log that the example's processes wrote. */
  printLogs(): void {
    for (const name of readdirSync(this.#runnerTemp).filter((name) => name.endsWith(".log"))) {
      const lines = readFileSync(join(this.#runnerTemp, name), "utf8").trimEnd().split("\n");
      console.log([`▸ End of ${name}`, ...lines.slice(-30)].join("\n"));
    }
  }

  /** Ends what the steps left running, and removes the clusters, the last one first. */
  async end(): Promise<void> {
    this.#endProcesses("SIGKILL");
    const codes: (number | null)[] = [];
    for (const cluster of this.#clusters) codes.push((await this.#job.post(cluster)).exitCode);
    this.#job.dispose();
    // What was killed may still be ending.
    rmSync(this.#temp, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    if (codes.some((code) => code !== 0)) throw new Error("a cluster was not removed");
  }

  /** Of all steps, in the background, too. */
  #endProcesses(signal: NodeJS.Signals): void {
    for (const pid of processesWith(`${tracking}=${this.#id}`)) kill(pid, signal);
  }

  #contexts() {
    return { steps: this.#outputs };
  }

  #environment(exports: string): Record<string, string> {
    const { PATH = "" } = process.env;
    return {
      LANG: "C.UTF-8",
      ...ofTheMachine(process.env),
      ...this.#env,
      // A user's path may lack where Debian keeps servers.
      PATH: [...this.#path, PATH, "/usr/sbin", "/sbin", join(this.#temp, "bin")].join(delimiter),
      GITHUB_ENV: exports,
      GITHUB_WORKSPACE: this.#workspace,
      RUNNER_TEMP: this.#runnerTemp,
      [tracking]: this.#id,
    };
  }
}

/**
 * Pure: what a step has from the machine, such as proxies, mirrors, and certificates. Not what would be
 * another cluster's or another job's, nor what npm tells the scripts that it runs.
 */
export function ofTheMachine(env: NodeJS.ProcessEnv): Record<string, string> {
  const isOthers = /^(CONSUL|GITHUB|RUNNER|ACTIONS|INPUT|STATE|npm)_/;
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined || isOthers.test(name) ? [] : [[name, value]],
    ),
  );
}

/** The `sudo` of a machine that has none, on which root runs the steps; last in the path. */
function writeSudo(folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, "sudo"), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
}

/** IDs of the processes with this in their environment. */
function processesWith(variable: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => environmentOf(name).split("\0").includes(variable))
    .map(Number);
}

/** A process may end meanwhile, or belong to somebody else. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

/** An example to run. */
export interface Example {
  /** Its folder in `examples`, or its file in `examples/workflows`. */
  readonly name: string;
  /** Of Consul. */
  readonly image: string;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Runs an example and removes all it started, also if the signal ends it.
 *
 * @returns what failed, with the step's name; undefined if nothing did
 * @throws if the cluster can't be removed
 */
export async function runExample(
  example: Example,
  steps: readonly Step[] = readWorkflow(workflowOf(example.name)),
): Promise<string | undefined> {
  const run = new Run(example);
  let failure: string | undefined;
  try {
    for (const next of steps) {
      if (!next.isAlways && (failure !== undefined || example.signal.aborted)) continue;
      console.log(`\n▶ ${example.name}: ${next.name}`);
      try {
        await (next.kind === "action" ? run.action(next) : run.commands(next));
      } catch (error) {
        if (!example.signal.aborted) run.printLogs();
        const reason = error instanceof Error ? error.message : String(error);
        failure ??= `the step "${next.name}" failed: ${reason}`;
      }
    }
    return failure;
  } finally {
    await run.end();
  }
}
