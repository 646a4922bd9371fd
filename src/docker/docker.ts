import * as z from "zod";
import {
  type ContainerFacts,
  containersAnswer,
  exitEvent,
  type ImageDefaults,
  imageAnswer,
  imageDefaultsAnswer,
  networkAnswer,
} from "./answers.ts";
import { type RunOptions, runDocker } from "./command.ts";
import { DockerError } from "./docker-error.ts";
import type { Image } from "./image-reference.ts";

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
   * The labels of every container, network, and volume that passes a filter.
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
      this.#list(["volume", "ls", format], [filter]),
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
