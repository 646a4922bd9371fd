import {
  type ContainerFacts,
  containersAnswer,
  type Exit,
  type ImageDefaults,
  imageAnswer,
  imageDefaultsAnswer,
  type NetworkMember,
  parseAnswer,
  parseNetworkMembers,
} from "./answers.ts";
import { Cli } from "./cli.ts";
import { DockerError } from "./docker-error.ts";
import { firstExit, ranOutOfMemory } from "./events.ts";
import type { Image } from "./image-reference.ts";
import { Listings } from "./listings.ts";
import { type LogLine, lastLines } from "./log-lines.ts";
import { pauseContainer } from "./pause.ts";
import { withProgress } from "./pull-progress.ts";
import type { CommandContext } from "./spawned.ts";

/** An engine that answers Docker's API. */
export interface Engine {
  /** `linux/amd64`. */
  readonly platform: string;
  /** Whether it is podman, behind its socket for Docker's API. */
  readonly isPodman: boolean;
}

export type ContainerVerb = "start" | "kill" | "unpause" | "stop";

/**
 * The docker CLI, the only way this action reaches an engine, so DOCKER_HOST, contexts, and logins
 * work the same as for the job's own docker commands. Arguments go to the program as an array,
 * never through a shell.
 */
export class Docker extends Listings {
  readonly #context: CommandContext;
  readonly #cli: Cli;

  /**
   * @param signal - ends every running command
   * @param trace - gets each command line before it runs
   * @param env - more environment for the CLI, to find its processes again
   * @param patience - milliseconds that a question may go without an answer; a busy engine takes less
   */
  constructor(
    signal: AbortSignal,
    trace: (text: string) => void,
    env: Readonly<Record<string, string>> = {},
    patience = 20_000,
  ) {
    const context = { signal, trace, env, patience };
    const cli = new Cli(context);
    super(cli);
    this.#context = context;
    this.#cli = cli;
  }

  /** The same CLI; its commands also end with this signal. */
  within(signal: AbortSignal): Docker {
    const { trace, env, patience } = this.#context;
    return new Docker(AbortSignal.any([this.#context.signal, signal]), trace, env, patience);
  }

  /** The engine's address, from DOCKER_HOST or the context: `unix:///var/run/docker.sock`. */
  async endpoint(): Promise<string> {
    return (
      await this.#cli.run(["context", "inspect", "--format={{.Endpoints.docker.Host}}"])
    ).trim();
  }

  /** What the CLI says it is: `Docker version 28.5.2, build …`, `podman version 5.4.2`. */
  async cliVersion(): Promise<string> {
    return (await this.#cli.run(["--version"])).trim();
  }

  /** What the engine is. */
  async engine(): Promise<Engine> {
    const components = "{{range .Server.Components}}{{println}}{{.Name}}{{end}}";
    const format = `--format={{.Server.Os}}/{{.Server.Arch}}${components}`;
    const [platform = "", ...names] = (await this.#cli.run(["version", format])).split("\n");
    return { platform, isPodman: names.includes("Podman Engine") };
  }

  /**
   * Whether archives of a container's files name their owners as the container knows them. Podman names
   * root as the owner of everything, and Docker with remapped users (`userns-remap`) the machine's users.
   */
  async namesOwners(): Promise<boolean> {
    const [{ isPodman }, options] = await Promise.all([
      this.engine(),
      this.#cli.run(["info", "--format={{json .SecurityOptions}}"]),
    ]);
    return !isPodman && !/"name=userns\b/.test(options);
  }

  /** The platform of a local image. */
  async imagePlatform(reference: string): Promise<string> {
    const format = "--format={{.Os}}/{{.Architecture}}";
    return (await this.#cli.run(["image", "inspect", format, reference])).trim();
  }

  /** @returns the local image of that name, or undefined if there is none */
  async image(reference: string): Promise<Image | undefined> {
    const answer = await this.#cli.unlessMissing(this.#cli.run(["image", "inspect", reference]));
    if (answer === undefined) return undefined;
    const [image] = parseAnswer(imageAnswer, "image inspect", answer);
    const { Labels, Entrypoint: entrypoint } = image.Config;
    const version = Labels?.["org.opencontainers.image.version"];
    return { reference, ...(version && { version }), ...(entrypoint && { entrypoint }) };
  }

  /**
   * @param log - gets how far the pull is, and what docker says
   * @throws DockerError `not-found` if the registry has no such image
   */
  async pull(reference: string, log: (line: string) => void): Promise<void> {
    await withProgress(reference, log, async (onLine) => {
      await this.#cli.run(["pull", reference], { onLine });
    });
  }

  /** @returns the containers on a network, or undefined if there is no such network */
  async networkMembers(network: string): Promise<NetworkMember[] | undefined> {
    const answer = await this.#cli.unlessMissing(this.#cli.run(["network", "inspect", network]));
    return answer === undefined ? undefined : parseNetworkMembers(answer);
  }

  async createNetwork(args: readonly string[]): Promise<void> {
    await this.#cli.run(["network", "create", ...args]);
  }

  /** @param args - as `docker network connect` or `disconnect` takes them */
  async changeConnection(verb: "connect" | "disconnect", args: readonly string[]): Promise<void> {
    await this.#cli.run(["network", verb, ...args]);
  }

  /** Creates and starts a container in the background. The image must be local. */
  async runContainer(args: readonly string[]): Promise<void> {
    await this.#cli.run(["run", "--detach", "--pull=never", ...args]);
  }

  /**
   * Runs a command in a new container and waits for its end. The image must be local.
   *
   * @param args - arguments of `docker run`
   * @param input - standard input of the command
   * @returns standard output of the command
   * @throws DockerError if the exit code is not 0
   */
  async runToEnd(args: readonly string[], input = ""): Promise<string> {
    const run = ["run", "--rm", "--interactive", "--pull=never", ...args];
    return this.#cli.run(run, { input });
  }

  /** Creates a container without starting it. The image must be local. */
  async createContainer(args: readonly string[]): Promise<void> {
    await this.#cli.run(["create", "--pull=never", ...args]);
  }

  /** Extracts a tar archive to a folder of a container. */
  async putArchive(container: string, archive: Uint8Array, folder = "/"): Promise<void> {
    await this.#cli.run(["cp", "-", `${container}:${folder}`], { input: archive });
  }

  /**
   * @returns a folder of a container, running or not, as a tar archive; undefined if there is no
   *   such folder
   */
  async getArchive(container: string, folder: string): Promise<Uint8Array | undefined> {
    const chunks: Buffer[] = [];
    const copy = this.#cli.run(["cp", `${container}:${folder}`, "-"], {
      onBytes: (bytes) => chunks.push(bytes),
    });
    // A copy, since parsers of archives read the whole buffer that holds a Buffer.
    const isThere = (await this.#cli.unlessMissing(copy)) !== undefined;
    return isThere ? Uint8Array.from(Buffer.concat(chunks)) : undefined;
  }

  /** @returns the log of a container from both of its streams, or its `lastLines` */
  async logs(container: string, lines: number | "all"): Promise<string[]> {
    const log: LogLine[] = [];
    const onLine = (text: string, stream: LogLine["stream"]) => log.push({ text, stream });
    await this.#cli.run(["logs", container], { onLine });
    return lines === "all" ? log.map(({ text }) => text) : lastLines(log, lines);
  }

  /**
   * Waits for the first container that ends.
   *
   * @param filters - `label=…`; the container must match all of them
   * @param since - a container that has ended since then counts, too
   * @throws DockerError if the engine goes away
   */
  firstExit(filters: readonly string[], since: Date): Promise<Exit> {
    return firstExit(this.#context, filters, since);
  }

  /** Whether a container ran out of memory. @param until - how long to wait for the news */
  ranOutOfMemory(container: string, until: Date): Promise<boolean> {
    return ranOutOfMemory(this.#cli, container, until);
  }

  /** @returns what the engine knows of these containers; one that is gone is left out */
  async inspectContainers(names: readonly string[]): Promise<ContainerFacts[]> {
    if (names.length === 0) return [];
    const inspect = (those: readonly string[]) =>
      this.#cli.unlessMissing(this.#cli.run(["container", "inspect", ...those]));
    const together = await inspect(names);
    // One that is gone makes the whole command fail.
    const answers = together ? [together] : await Promise.all(names.map((name) => inspect([name])));
    return answers.flatMap((each) => (each ? parseAnswer(containersAnswer, "inspect", each) : []));
  }

  /** What an image sets for every container of it. The image must be local. */
  async imageDefaults(reference: string): Promise<ImageDefaults & { readonly id: string }> {
    const answer = await this.#cli.run(["image", "inspect", reference]);
    const [{ Id, Config }] = parseAnswer(imageDefaultsAnswer, "image inspect", answer);
    return { id: Id, env: Config.Env ?? [], labels: Config.Labels ?? {} };
  }

  /** Removes a stopped container. Its volumes stay. */
  async removeButKeepVolumes(container: string): Promise<void> {
    await this.#cli.run(["rm", container]);
  }

  /** Runs one of docker's verbs on containers. */
  async change(verb: ContainerVerb, containers: readonly string[]): Promise<void> {
    if (containers.length > 0) await this.#cli.run([verb, ...containers]);
  }

  /** Pauses containers, with some patience. */
  async pause(containers: readonly string[]): Promise<void> {
    await Promise.all(containers.map((container) => pauseContainer(this.#cli, container)));
  }

  /** Waits until a container has stopped. */
  async untilStopped(container: string): Promise<void> {
    await this.#cli.run(["wait", container]);
  }

  async createVolume(args: readonly string[]): Promise<void> {
    await this.#cli.run(["volume", "create", ...args]);
  }

  /** Removes containers, running or not, and their anonymous volumes. Missing ones are fine. */
  async removeContainers(names: readonly string[]): Promise<void> {
    if (names.length > 0)
      await this.#cli.unlessMissing(this.#cli.run(["rm", "--force", "--volumes", ...names]));
  }

  /** Removes a network. Containers that others attached to it are detached first. */
  async removeNetwork(name: string): Promise<void> {
    try {
      await this.#cli.unlessMissing(this.#cli.run(["network", "rm", name]));
    } catch (error) {
      if (!(error instanceof DockerError) || error.failure !== "network-in-use") throw error;
      // Podman counts stopped containers, which are no members.
      const members = (await this.networkMembers(name)) ?? [];
      const attached = await this.containers(`network=${name}`);
      const names = new Set([...members.map((each) => each.name), ...attached]);
      await Promise.all(
        [...names].map((each) => this.changeConnection("disconnect", ["--force", name, each])),
      );
      await this.#cli.run(["network", "rm", name]);
    }
  }

  async removeVolumes(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#cli.run(["volume", "rm", "--force", ...names]);
  }
}
