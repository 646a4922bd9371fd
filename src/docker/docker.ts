import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import * as z from "zod";
import { ActionError } from "../errors.ts";
import type { Image } from "./image-reference.ts";

/** What a docker command failed of, as far as callers act differently on it. */
export type DockerFailure =
  | "cli-missing"
  | "engine-unreachable"
  | "access-denied"
  | "port-taken"
  | "rate-limited"
  | "registry-unreachable"
  | "wrong-platform"
  | "not-found"
  | "disk-full"
  | "network-in-use"
  | "other";

/**
 * The docker CLI gives an exit code (mostly 1 or 125) and a text, nothing else. These are the
 * texts of CLI and engine 20.10 to 28; the first row that matches names the failure.
 */
const failures: readonly (readonly [DockerFailure, RegExp])[] = [
  ["access-denied", /permission denied while trying to connect to the docker/i],
  [
    "engine-unreachable",
    /cannot connect to the docker daemon|error during connect|unexpected EOF|: EOF$|connection reset by peer/i,
  ],
  ["port-taken", /port is already allocated|address already in use|failed to bind host port/i],
  ["network-in-use", /has active endpoints/i],
  ["disk-full", /no space left on device|disk quota exceeded/i],
  [
    "not-found",
    /manifest unknown|manifest for .* not found|repository does not exist|repository name not known|no such (image|container|network|volume|object)|could not find the file|network .* not found/i,
  ],
];

/** The same for `docker pull`, where the registry may be to blame. Looked at first. */
const pullFailures: typeof failures = [
  ["rate-limited", /toomanyrequests|too many requests|rate limit/i],
  ["wrong-platform", /no matching manifest for|does not match the specified platform/i],
  ["engine-unreachable", /cannot connect to the docker daemon|error during connect/i],
  ["not-found", /manifest unknown|manifest for .* not found|repository name not known/i],
  // Whatever may pass by itself: the engine's words for a registry that can't be reached, breaks
  // off or fails.
  [
    "registry-unreachable",
    /http status: 5\d\d|50[0234] |\bEOF\b|connection (reset|refused)|broken pipe|tls handshake timeout|i\/o timeout|context deadline exceeded|request canceled|temporary failure|no such host|server misbehaving|network is unreachable|no route to host|unknown blob|layer verification failed/i,
  ],
];

/** A docker command that failed. */
export class DockerError extends ActionError {
  override readonly name = "DockerError";
  readonly failure: DockerFailure;
  /** What the CLI said on its standard error. */
  readonly said: string;

  constructor(failure: DockerFailure, command: string, said: string) {
    super(
      titles[failure] ?? "Docker failed",
      `\`docker ${command}\` failed: ${said}${advice[failure] ?? ""}`,
    );
    this.failure = failure;
    this.said = said;
  }
}

/** Whether something failed because there is no engine, or none that may be asked. */
export function isEngineGone(error: unknown): boolean {
  const gone: readonly DockerFailure[] = ["cli-missing", "engine-unreachable", "access-denied"];
  return error instanceof DockerError && gone.includes(error.failure);
}

const titles: Partial<Record<DockerFailure, string>> = {
  "cli-missing": "There is no docker CLI",
  "engine-unreachable": "The Docker engine does not answer",
  "access-denied": "The Docker engine denies access",
  "rate-limited": "The registry limits pulls",
  "registry-unreachable": "The registry can't be reached",
  "wrong-platform": "The image is made for another platform",
  "disk-full": "A disk of the Docker engine is full",
};

const advice: Partial<Record<DockerFailure, string>> = {
  "cli-missing":
    "\nThis action starts Consul in containers and needs the docker CLI on the PATH of the runner: use a runner that has Docker (GitHub's Linux runners do), or install it in an earlier step.",
  "engine-unreachable":
    "\nThe docker CLI is there, but no engine answers it. Start the engine, or point DOCKER_HOST or the docker context at one that runs.",
  "access-denied":
    "\nThe runner's user may not use the Docker engine: add it to the group `docker`, or use a rootless engine.",
  "rate-limited":
    "\nThe registry limits how much is pulled without a login. Log in before this step (docker/login-action), name another registry by `image`, or pull the image on the runner beforehand.",
  "registry-unreachable":
    "\nThe registry could not be reached or broke off. Run the job again; if it stays so, look at the registry's status page, and at the proxy and DNS of the engine.",
  "wrong-platform":
    "\nThe image is not made for the platform of this engine. Name an image or a version that is.",
  "disk-full":
    "\nA disk of the Docker engine is full: free some of it, for example by `docker system prune`, or use a runner with a larger one.",
};

export interface NetworkMember {
  readonly name: string;
  readonly ip: string;
  readonly mac: string;
}

export type ContainerVerb = "kill" | "pause" | "unpause" | "stop";

/** A container that ended. */
export interface Exit {
  readonly container: string;
  readonly exitCode: number;
}

interface RunOptions {
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

const imageAnswer = z.tuple([
  z.object({ Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }) }),
]);

const networkAnswer = z.tuple([
  z.object({
    Containers: z
      .record(
        z.string(),
        z.object({ Name: z.string(), IPv4Address: z.string(), MacAddress: z.string() }),
      )
      .nullish(),
  }),
]);

const containersAnswer = z.array(
  z.object({
    Id: z.string(),
    Name: z.string().transform((name) => name.replace(/^\//, "")),
    State: z.object({
      Status: z.string(),
      Running: z.boolean(),
      Paused: z.boolean(),
      ExitCode: z.number(),
      OOMKilled: z.boolean(),
      Error: z.string(),
      StartedAt: z.string(),
      FinishedAt: z.string(),
    }),
    Config: z.object({
      Hostname: z.string(),
      Image: z.string(),
      Env: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
    }),
    Mounts: z.array(
      z.object({ Type: z.string(), Name: z.string().optional(), Destination: z.string() }),
    ),
    HostConfig: z.object({
      Memory: z.number(),
      PortBindings: z
        .record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() })))
        .nullish(),
    }),
    NetworkSettings: z.object({
      Networks: z.record(
        z.string(),
        z.object({ IPAddress: z.string(), Aliases: z.array(z.string()).nullish() }),
      ),
    }),
  }),
);

const imageDefaultsAnswer = z.tuple([
  z.object({
    Config: z.object({
      Env: z.array(z.string()).nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
    }),
  }),
]);

/** What an image gives to every container of it. */
export interface ImageDefaults {
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** What `docker inspect` says of a container, as far as it serves this repository's actions. */
export type ContainerFacts = z.output<typeof containersAnswer>[number];

const exitEvent = z.object({
  Actor: z.object({ Attributes: z.object({ name: z.string(), exitCode: z.string() }) }),
});

/**
 * The docker CLI, the only way this action reaches an engine: so DOCKER_HOST, contexts and logins
 * hold as they do for the job's own docker commands. Arguments go to the program as an array,
 * never through a shell.
 */
export class Docker {
  readonly #signal: AbortSignal;
  readonly #trace: (text: string) => void;
  readonly #env: Readonly<Record<string, string>>;

  /**
   * @param signal - ends every running command; each call then rejects once its process is gone
   * @param trace - gets each command line before it runs
   * @param env - more environment for the CLI, by which its processes are found again
   */
  constructor(
    signal: AbortSignal,
    trace: (text: string) => void,
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#signal = signal;
    this.#trace = trace;
    this.#env = env;
  }

  /** The same CLI, whose commands end with this signal too. */
  within(signal: AbortSignal): Docker {
    return new Docker(AbortSignal.any([this.#signal, signal]), this.#trace, this.#env);
  }

  /** Where the engine is, as DOCKER_HOST or the context has it: `unix:///var/run/docker.sock`. */
  async endpoint(): Promise<string> {
    const format = "--format={{.Endpoints.docker.Host}}";
    return (await this.#run(["context", "inspect", format])).trim();
  }

  /** The engine's platform: `linux/amd64`. */
  async platform(): Promise<string> {
    return (await this.#run(["version", "--format={{.Server.Os}}/{{.Server.Arch}}"])).trim();
  }

  /** The platform that a local image is made for. */
  async imagePlatform(reference: string): Promise<string> {
    const format = "--format={{.Os}}/{{.Architecture}}";
    return (await this.#run(["image", "inspect", format, reference])).trim();
  }

  /** @returns the local image of that name, or undefined where there is none */
  async image(reference: string): Promise<Image | undefined> {
    const answer = await this.#unlessMissing(this.#run(["image", "inspect", reference]));
    if (answer === undefined) return undefined;
    const [image] = imageAnswer.parse(JSON.parse(answer));
    const version = image.Config.Labels?.["org.opencontainers.image.version"];
    return { reference, ...(version && { version }) };
  }

  /** @throws DockerError of failure `not-found` where the registry has no such image */
  async pull(reference: string, onLine: (line: string) => void): Promise<void> {
    await this.#run(["pull", reference], { onLine });
  }

  /** @returns who is on a network, or undefined where there is no such network */
  async networkMembers(network: string): Promise<NetworkMember[] | undefined> {
    const answer = await this.#unlessMissing(this.#run(["network", "inspect", network]));
    if (answer === undefined) return undefined;
    const [{ Containers }] = networkAnswer.parse(JSON.parse(answer));
    return Object.values(Containers ?? {}).map(({ Name, IPv4Address, MacAddress }) => ({
      name: Name,
      ip: IPv4Address.replace(/\/\d+$/, ""),
      mac: MacAddress,
    }));
  }

  async createNetwork(args: readonly string[]): Promise<void> {
    await this.#run(["network", "create", ...args], { creates: true });
  }

  /** Creates and starts a container in the background. The image must be there. */
  async runContainer(args: readonly string[]): Promise<void> {
    await this.#run(["run", "--detach", "--pull=never", ...args], { creates: true });
  }

  /**
   * Runs a command in a container of its own to its end. The image must be there.
   *
   * @param args - as `docker run` takes them
   * @param input - what the command reads on its standard input
   * @returns what the command wrote on its standard output; its exit code is 0
   * @throws DockerError where the exit code is another
   */
  async runToEnd(args: readonly string[], input = ""): Promise<string> {
    const run = ["run", "--rm", "--interactive", "--pull=never", ...args];
    return this.#run(run, { input, creates: true });
  }

  /** Creates a container without starting it. The image must be there. */
  async createContainer(args: readonly string[]): Promise<void> {
    await this.#run(["create", "--pull=never", ...args], { creates: true });
  }

  async startContainer(name: string): Promise<void> {
    await this.#run(["start", name]);
  }

  /** Opens a tar archive in a folder of a container, running or not. */
  async putArchive(container: string, archive: Uint8Array, folder = "/"): Promise<void> {
    await this.#run(["cp", "-", `${container}:${folder}`], { input: archive });
  }

  /**
   * @returns a folder of a container, running or not, as a tar archive of text files; undefined
   *   where it has no such folder
   */
  async getArchive(container: string, folder: string): Promise<Uint8Array | undefined> {
    const archive = await this.#unlessMissing(this.#run(["cp", `${container}:${folder}`, "-"]));
    // Its own buffer and no part of a larger one, since parsers of archives read all of that.
    return archive === undefined ? undefined : Uint8Array.from(Buffer.from(archive));
  }

  /** @returns the last lines of a container's log, both of its streams */
  async logs(container: string, lines: number | "all"): Promise<string[]> {
    const log: string[] = [];
    await this.#run(["logs", `--tail=${lines}`, container], { onLine: (line) => log.push(line) });
    return log;
  }

  /**
   * Waits for the first container that passes these filters and ends, from `since` on.
   *
   * @param labels - filters that it must pass, all of them
   * @throws DockerError where the engine itself goes away
   */
  async firstExit(filters: readonly string[], since: Date): Promise<Exit> {
    const scope = new AbortController();
    let exit: Exit | undefined;
    const onLine = (line: string, stream: string) => {
      // An engine that goes away leaves a complaint, and perhaps half an event.
      if (stream === "stderr" || !line.endsWith("}")) return;
      const { Attributes } = exitEvent.parse(JSON.parse(line)).Actor;
      exit ??= { container: Attributes.name, exitCode: Number(Attributes.exitCode) };
      scope.abort();
    };
    const wanted = [...filters, "event=die"].map((filter) => `--filter=${filter}`);
    const args = ["events", `--since=${since.toISOString()}`, ...wanted, "--format={{json .}}"];
    await this.within(scope.signal)
      .#run(args, { onLine })
      .catch((error: unknown) => {
        if (!exit) throw error;
      });
    if (exit) return exit;
    throw new DockerError("engine-unreachable", "events", "the engine closed the connection.");
  }

  /**
   * @param filters - as `docker ps --filter` takes them; all must hold
   * @returns names of containers, running or not
   */
  containers(...filters: string[]): Promise<string[]> {
    return this.#list(["ps", "--all", "--format={{.Names}}"], filters);
  }

  /** @returns what the engine knows of these containers; one that is gone is left out */
  async inspectContainers(names: readonly string[]): Promise<ContainerFacts[]> {
    if (names.length === 0) return [];
    const inspect = (those: readonly string[]) =>
      this.#unlessMissing(this.#run(["container", "inspect", ...those]));
    const together = await inspect(names);
    // One that is gone makes the whole command fail.
    const answers = together ? [together] : await Promise.all(names.map((name) => inspect([name])));
    return answers
      .filter((answer) => answer !== undefined)
      .flatMap((answer) => containersAnswer.parse(JSON.parse(answer)));
  }

  /** What this container's image gives to every container of it. The image must be there. */
  async imageDefaults(reference: string): Promise<ImageDefaults> {
    const answer = await this.#run(["image", "inspect", reference]);
    const [{ Config }] = imageDefaultsAnswer.parse(JSON.parse(answer));
    return { env: Config.Env ?? [], labels: Config.Labels ?? {} };
  }

  /** Removes a container that does not run. Its volumes stay. */
  async removeButKeepVolumes(container: string): Promise<void> {
    await this.#run(["rm", container]);
  }

  /** Does one of docker's own verbs to containers. */
  async change(verb: ContainerVerb, containers: readonly string[]): Promise<void> {
    if (containers.length > 0) await this.#run([verb, ...containers]);
  }

  /** Waits until a container is not running. */
  async untilStopped(container: string): Promise<void> {
    await this.#run(["wait", container]);
  }

  async createVolume(args: readonly string[]): Promise<void> {
    await this.#run(["volume", "create", ...args], { creates: true });
  }

  networks(...filters: string[]): Promise<string[]> {
    return this.#list(["network", "ls", "--format={{.Name}}"], filters);
  }

  volumes(...filters: string[]): Promise<string[]> {
    return this.#list(["volume", "ls", "--format={{.Name}}"], filters);
  }

  /**
   * The labels of every container and every network that passes a filter.
   *
   * @param names - of the labels
   * @returns for each object the values of these labels, in their order; empty for none
   */
  async labels(filter: string, names: readonly string[]): Promise<string[][]> {
    const values = names.map((name) => `{{json (.Label "${name}")}}`).join(",");
    const format = `--format=[${values}]`;
    const lists = await Promise.all([
      this.#list(["ps", "--all", format], [filter]),
      this.#list(["network", "ls", format], [filter]),
    ]);
    return lists.flat().map((line) => z.array(z.string()).parse(JSON.parse(line)));
  }

  /** Removes containers, running or not, with their anonymous volumes. Missing ones are fine. */
  async removeContainers(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#run(["rm", "--force", "--volumes", ...names]);
  }

  /** Removes networks. Containers that others attached to them are detached first. */
  async removeNetwork(name: string): Promise<void> {
    try {
      await this.#unlessMissing(this.#run(["network", "rm", name]));
    } catch (error) {
      if (!(error instanceof DockerError) || error.failure !== "network-in-use") throw error;
      const members = (await this.networkMembers(name)) ?? [];
      await Promise.all(
        members.map((member) => this.#run(["network", "disconnect", "--force", name, member.name])),
      );
      await this.#run(["network", "rm", name]);
    }
  }

  async removeVolumes(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#run(["volume", "rm", "--force", ...names]);
  }

  async #list(command: readonly string[], filters: readonly string[]): Promise<string[]> {
    const answer = await this.#run([...command, ...filters.map((filter) => `--filter=${filter}`)]);
    return answer.split("\n").filter((name) => name !== "");
  }

  async #unlessMissing(command: Promise<string>): Promise<string | undefined> {
    try {
      return await command;
    } catch (error) {
      if (error instanceof DockerError && error.failure === "not-found") return undefined;
      throw error;
    }
  }

  #run(args: readonly string[], options?: RunOptions): Promise<string> {
    const scope = { signal: this.#signal, trace: this.#trace, env: this.#env };
    return runDocker(args, scope, options);
  }
}

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

function dockerError(
  args: readonly string[],
  cause: Error | undefined,
  stderr: string,
  exitCode: number | null,
): DockerError {
  const command = args.slice(0, args[1]?.startsWith("-") ? 1 : 2).join(" ");
  if (cause) {
    const isMissing = "code" in cause && (cause.code === "ENOENT" || cause.code === "EACCES");
    return new DockerError(isMissing ? "cli-missing" : "other", command, `${cause.message}.`);
  }
  const said = stderr.replace(/\n+Run 'docker .*' for more information\n*$/, "").trim();
  return new DockerError(failureOf(args, said), command, said || `it ended with code ${exitCode}.`);
}

/**
 * What a docker command failed of.
 *
 * @param args - the command
 * @param said - what it said on its standard error
 */
export function failureOf([command]: readonly string[], said: string): DockerFailure {
  const rows = command === "pull" ? [...pullFailures, ...failures] : failures;
  return rows.find(([, pattern]) => pattern.test(said))?.[0] ?? "other";
}
