/**
 * Runs an action's `dist` as GitHub's runner does: inputs as INPUT_* variables, answers through
 * command files, secrets masked in the log. Serves `npm run up` and the tests.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { type Action, readAction } from "./action.ts";
import { CommandReader, Masks, parseCommandFile, parsePathFile } from "./commands.ts";

/** The repository, which is itself an action. */
export const root = resolve(import.meta.dirname, "..");

/** Marks what the jobs of this process leave on an engine, to tell it from everything else there. */
export const runId = process.env.CONSUL_TEST_RUN_ID ?? randomUUID();

export interface JobOptions {
  /** Folder of the action.yml that steps run unless they name another. */
  readonly action?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What expressions in defaults see: `{ job: { container: { network: "x" } } }`. */
  readonly contexts?: Readonly<Record<string, unknown>>;
  /** Called with each line of the log, masked, as it comes. */
  readonly onLine?: (line: string) => void;
  readonly debug?: boolean;
  /** Folder for command files; without one the job makes its own and removes it in dispose(). */
  readonly temp?: string;
  /** A program and its arguments that run each step: they get its command as further arguments. */
  readonly through?: readonly string[];
  /** Runs each step in a process group of its own, which a terminal's Ctrl-C does not reach. */
  readonly isDetached?: boolean;
  /** In place of what the runner says of command files: `{ GITHUB_OUTPUT: "/dev/full" }`. */
  readonly commandFiles?: Readonly<Record<string, string>>;
}

/** What the runner remembers of a main step for its post step. */
export interface MainStep {
  readonly action: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
}

export interface StepResult extends MainStep {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Standard output and error, with masked values replaced, as a reader of the job sees them. */
  readonly log: string;
  /** The same before masking: to assert that secrets are never printed. */
  readonly rawLog: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly path: readonly string[];
  readonly summary: string;
  readonly milliseconds: number;
}

export interface RunningStep {
  readonly process: ChildProcess;
  readonly result: Promise<StepResult>;
}

/** One job: what its steps export is seen by the steps after them. */
export class Job {
  readonly #options: JobOptions;
  readonly #temp: string;
  readonly #masks = new Masks();
  readonly #env: Record<string, string> = {};
  readonly #path: string[] = [];
  #steps = 0;
  /** What steps see as `job.status`; a main step that fails sets it, and so may a test. */
  status: "success" | "failure" | "cancelled" = "success";
  #last: MainStep | undefined;

  constructor(options: JobOptions = {}) {
    this.#options = options;
    this.#temp = options.temp ?? mkdtempSync(join(tmpdir(), "job-"));
  }

  /** Starts a main step, for tests that send it signals. */
  start(inputs: Readonly<Record<string, string>>, folder = this.#defaultAction()): RunningStep {
    const action = readAction(folder);
    const resolved = resolveInputs(action, inputs, this.#contexts());
    // A post step may come whatever becomes of this one.
    this.#last = { action: folder, inputs: resolved, state: {} };
    return this.#run(join(folder, action.runs.main), this.#last, (result) => {
      this.#last = result;
      if (result.exitCode !== 0) this.status = "failure";
    });
  }

  async main(inputs: Readonly<Record<string, string>>, folder?: string): Promise<StepResult> {
    return this.start(inputs, folder).result;
  }

  /** The post step of the job's last main step, or of the one given. */
  async post(of?: MainStep): Promise<StepResult> {
    return this.startPost(of).result;
  }

  /** Starts the same, for callers that send it signals. */
  startPost(of: MainStep | undefined = this.#last): RunningStep {
    const folder = of?.action ?? this.#defaultAction();
    const action = readAction(folder);
    if (action.runs.post === undefined) throw new Error(`${folder} has no post step`);
    // The runner fills in expressions anew for a post step (actions/runner, `ActionRunner`).
    const anew = resolveInputs(action, {}, this.#contexts());
    const isExpression = (name: string) => action.inputs[name]?.default?.includes("${{");
    const given = Object.entries(of?.inputs ?? {}).filter(([name]) => !isExpression(name));
    const inputs = { ...anew, ...Object.fromEntries(given) };
    const step = { action: folder, inputs, state: of?.state ?? {} };
    return this.#run(join(folder, action.runs.post), step);
  }

  dispose(): void {
    if (this.#options.temp === undefined) rmSync(this.#temp, { recursive: true, force: true });
  }

  #contexts(): Readonly<Record<string, unknown>> {
    const { job, ...others } = this.#options.contexts ?? {};
    return { ...others, job: { ...(typeof job === "object" ? job : {}), status: this.status } };
  }

  #defaultAction(): string {
    return this.#options.action ?? root;
  }

  #run(script: string, step: MainStep, done?: (result: StepResult) => void): RunningStep {
    const files = commandFiles(join(this.#temp, `step-${++this.#steps}`));
    const started = performance.now();
    const [command = "", ...args] = [...(this.#options.through ?? []), process.execPath, script];
    const child = spawn(command, args, {
      cwd: root,
      env: this.#environment(step, files),
      stdio: ["ignore", "pipe", "pipe"],
      detached: this.#options.isDetached ?? false,
    });
    const lines: string[] = [];
    const rawLines: string[] = [];
    const commands = new CommandReader();
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (raw) => {
        const line = this.#masks.apply(raw, commands);
        rawLines.push(raw);
        lines.push(line);
        this.#options.onLine?.(line);
      });
    }
    const result = new Promise<StepResult>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (exitCode, signal) => {
        const answers = readAnswers(files);
        Object.assign(this.#env, answers.env);
        this.#path.unshift(...answers.path.toReversed());
        const milliseconds = Math.round(performance.now() - started);
        const logs = { log: text(lines), rawLog: text(rawLines) };
        const ended = { ...step, ...answers, ...logs, exitCode, signal, milliseconds };
        done?.(ended);
        resolve(ended);
      });
    });
    return { process: child, result };
  }

  #environment(step: MainStep, files: CommandFiles): Record<string, string> {
    const inherited = Object.entries(process.env).filter(
      ([name, value]) => value !== undefined && /^(PATH|HOME|DOCKER_.*)$/.test(name),
    );
    const env: Record<string, string> = {
      ...Object.fromEntries(inherited.map(([name, value]) => [name, value ?? ""])),
      ...runnerVariables(this.#temp),
      ...(this.#options.debug ? { RUNNER_DEBUG: "1" } : {}),
      ...this.#options.env,
      ...this.#env,
      ...fileVariables(files),
      ...this.#options.commandFiles,
    };
    const { PATH = "" } = env;
    for (const [name, value] of Object.entries(step.inputs)) env[inputVariable(name)] = value;
    for (const [name, value] of Object.entries(step.state)) env[`STATE_${name}`] = value;
    return { ...env, PATH: [...this.#path, PATH].join(delimiter) };
  }
}

/** Spaces become underscores; dashes stay. */
export function inputVariable(name: string): string {
  return `INPUT_${name.replaceAll(" ", "_").toUpperCase()}`;
}

/** Every input's value: the one given, else action.yml's default, else nothing. */
export function resolveInputs(
  action: Action,
  given: Readonly<Record<string, string>>,
  contexts: Readonly<Record<string, unknown>>,
): Record<string, string> {
  // The runner warns of an unknown input and goes on; here it is a mistake in a test.
  const unknown = Object.keys(given).filter((name) => !(name in action.inputs));
  if (unknown.length > 0) throw new Error(`${action.name} has no input ${unknown.join(", ")}`);
  const defaults = Object.entries(action.inputs).map(([name, input]) => [
    name,
    evaluate(input.default ?? "", contexts),
  ]);
  return { ...Object.fromEntries(defaults), ...given };
}

/** Fills in `${{ job.container.network }}`: dotted paths only; what is missing is empty. */
export function evaluate(template: string, contexts: Readonly<Record<string, unknown>>): string {
  return template.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, expression: string) => {
    const path = expression.trim();
    if (!/^[\w-]+(\.[\w-]+)*$/.test(path)) throw new Error(`only dotted paths work here: ${path}`);
    return lookUp(path.split("."), contexts);
  });
}

function lookUp(path: readonly string[], contexts: unknown): string {
  let value = contexts;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return "";
    value = new Map(Object.entries(value)).get(key);
  }
  return value === undefined || value === null ? "" : String(value);
}

interface CommandFiles {
  readonly output: string;
  readonly state: string;
  readonly env: string;
  readonly path: string;
  readonly summary: string;
}

function commandFiles(folder: string): CommandFiles {
  mkdirSync(folder, { recursive: true });
  const file = (name: string) => {
    const path = join(folder, name);
    writeFileSync(path, "");
    return path;
  };
  return {
    output: file("output"),
    state: file("state"),
    env: file("env"),
    path: file("path"),
    summary: file("summary"),
  };
}

function fileVariables(files: CommandFiles): Record<string, string> {
  return {
    GITHUB_OUTPUT: files.output,
    GITHUB_STATE: files.state,
    GITHUB_ENV: files.env,
    GITHUB_PATH: files.path,
    GITHUB_STEP_SUMMARY: files.summary,
  };
}

function readAnswers(files: CommandFiles) {
  const read = (path: string) => readFileSync(path, "utf8");
  return {
    outputs: parseCommandFile(read(files.output)),
    state: parseCommandFile(read(files.state)),
    env: parseCommandFile(read(files.env)),
    path: parsePathFile(read(files.path)),
    summary: read(files.summary),
  };
}

function runnerVariables(temp: string): Record<string, string> {
  const runnerTemp = join(temp, "runner");
  mkdirSync(runnerTemp, { recursive: true });
  return {
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_JOB: "test",
    GITHUB_RUN_ATTEMPT: "1",
    GITHUB_RUN_ID: runId,
    GITHUB_WORKSPACE: root,
    RUNNER_NAME: "local",
    RUNNER_OS: { darwin: "macOS", win32: "Windows" }[String(process.platform)] ?? "Linux",
    RUNNER_TEMP: runnerTemp,
  };
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
