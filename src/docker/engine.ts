import type {
  ContainerFacts,
  EngineFacts,
  Exit,
  LocalImage,
  NetworkMember,
  SwarmFacts,
} from "./answers.ts";
import { getArchive } from "./archives.ts";
import { Cli } from "./cli.ts";
import { logOf } from "./container-log.ts";
import { firstExit, ranOutOfMemory } from "./events.ts";
import type { Image, SharingTerms } from "./image-reference.ts";
import { inspectContainers } from "./inspect.ts";
import { Listings } from "./listings.ts";
import { defaultsOfImage, localImage, platformOfImage, saveImage } from "./local-images.ts";
import {
  factsOfNetwork,
  membersOf,
  type NetworkFacts,
  removeNetwork,
  subnetsOfAll,
  takenIn,
} from "./networks.ts";
import { pauseContainer } from "./pause.ts";
import { withProgress } from "./pull-progress.ts";
import { engineQuestion } from "./questions.ts";
import type { CommandContext, RunOptions } from "./spawned.ts";
import { askSwarm } from "./swarm.ts";

export type ContainerVerb = "start" | "kill" | "unpause" | "stop";

/**
 * One engine (several are in engines.ts), reached through the docker CLI and in no other way, so
 * DOCKER_HOST, contexts, and logins work the same as for the job's own docker commands. Arguments go to
 * the program as an array, never through a shell.
 */
export class Engine extends Listings {
  readonly #context: CommandContext;
  readonly #cli: Cli;

  /**
   * @param signal - ends every running command
   * @param trace - gets each command line before it runs
   * @param env - more environment for the CLI, to find its processes again
   * @param patience - milliseconds that a question may go without an answer; a busy engine takes less
   * @param dockerContext - the docker context of the engine; empty for the one that is in use
   */
  constructor(
    signal: AbortSignal,
    trace: (text: string) => void,
    env: Readonly<Record<string, string>> = {},
    patience = 20_000,
    dockerContext = "",
  ) {
    const context = { signal, trace, env, patience, dockerContext };
    const cli = new Cli(context);
    super(cli);
    this.#context = context;
    this.#cli = cli;
  }

  /** The same engine; commands also end with this signal. */
  within(signal: AbortSignal): Engine {
    return this.#with({ signal: AbortSignal.any([this.#context.signal, signal]) });
  }

  /** The engine of another docker context. */
  on(dockerContext: string): Engine {
    return this.#with({ dockerContext });
  }

  #with(changes: Partial<CommandContext>): Engine {
    const { signal, trace, env, patience, dockerContext } = { ...this.#context, ...changes };
    return new Engine(signal, trace, env, patience, dockerContext);
  }

  /** The engine that has a container, or would have it: this one. */
  async at(_container: string): Promise<Engine> {
    return this;
  }

  /** What the engine says of the swarm that it is a node of. */
  swarm(): Promise<SwarmFacts> {
    return askSwarm(this.#cli);
  }

  /** IDs of all nodes of the swarm. Only a manager knows them. */
  swarmNodes(): Promise<string[]> {
    return this.#cli.list(["node", "ls", "--format={{.ID}}"], []);
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
  async engineFacts(): Promise<EngineFacts> {
    const [platform = "", ...names] = (await this.#cli.run(engineQuestion)).split("\n");
    return { platform, isPodman: names.includes("Podman Engine") };
  }

  /**
   * Whether archives of a container's files name their owners as the container knows them. Podman names
   * root as the owner of everything, and Docker with remapped users (`userns-remap`) the machine's users.
   */
  async namesOwners(): Promise<boolean> {
    const [{ isPodman }, options] = await Promise.all([
      this.engineFacts(),
      this.#cli.run(["info", "--format={{json .SecurityOptions}}"]),
    ]);
    return !isPodman && !/"name=userns\b/.test(options);
  }

  /** The platform of a local image. */
  imagePlatform(reference: string): Promise<string> {
    return platformOfImage(this.#cli, reference);
  }

  /** @returns the local image of that name, or undefined if there is none */
  image(reference: string): Promise<Image | undefined> {
    return localImage(this.#cli, reference);
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
  networkMembers(network: string): Promise<NetworkMember[] | undefined> {
    return membersOf(this.#cli, network);
  }

  /** What a network is; undefined if there is none of that name. */
  networkFacts(network: string): Promise<NetworkFacts | undefined> {
    return factsOfNetwork(this.#cli, network);
  }

  /** Addresses of an overlay network that somebody has, or keeps. */
  takenAddresses(network: string): Promise<string[]> {
    return takenIn(this.#cli, network);
  }

  /** The IPv4 subnets of all networks: `10.0.1.0/24`. */
  allSubnets(): Promise<string[]> {
    return subnetsOfAll(this.#cli);
  }

  /** Gives an image to all engines: there is only this one. */
  async shareImage(_reference: string, _terms: SharingTerms, _from?: string): Promise<void> {}

  /** Says where a container will be: there is only this one. */
  place(_container: string, _name: string): void {}

  /** An image, as `docker save` writes it. */
  saveImage(reference: string): Promise<Uint8Array> {
    return saveImage(this.#cli, reference);
  }

  async loadImage(image: Uint8Array): Promise<void> {
    await this.#cli.run(["load", "--quiet"], { input: image });
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
   * @returns standard output of the command
   * @throws DockerError if the exit code is not 0
   */
  async runToEnd(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const run = ["run", "--rm", "--interactive", "--pull=never", ...args];
    return this.#cli.run(run, options);
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
  getArchive(container: string, folder: string): Promise<Uint8Array | undefined> {
    return getArchive(this.#cli, container, folder);
  }

  /** @returns the log of a container from both of its streams, or its `lastLines` */
  logs(container: string, lines: number | "all"): Promise<string[]> {
    return logOf(this.#cli, container, lines);
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
  inspectContainers(names: readonly string[]): Promise<ContainerFacts[]> {
    return inspectContainers(this.#cli, names);
  }

  /** What an image sets for every container of it. The image must be local. */
  imageDefaults(reference: string): Promise<LocalImage> {
    return defaultsOfImage(this.#cli, reference);
  }

  /** Removes a container, even one that runs. Its volumes stay. */
  async removeButKeepVolumes(container: string): Promise<void> {
    await this.#cli.run(["rm", "--force", container]);
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
    await removeNetwork(this.#cli, name);
  }

  async removeVolumes(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#cli.run(["volume", "rm", "--force", ...names]);
  }
}
