import type { ContainerFacts, Exit, NetworkMember, SwarmFacts } from "./answers.ts";
import type { Docker } from "./docker.ts";
import type { ContainerVerb, Engine } from "./engine.ts";
import type { SharingTerms } from "./image-reference.ts";
import type { NetworkFacts } from "./networks.ts";
import { OnFirst } from "./on-first.ts";
import type { ListedContainer } from "./questions.ts";
import { shareImage } from "./share-image.ts";

/** One of several engines. */
export interface Member {
  /** Name of its docker context. */
  readonly name: string;
  readonly engine: Engine;
}

/**
 * Several engines of one swarm. To callers they are like one: a command about a container goes to the
 * engine that has it, a listing to all, at once, and what concerns networks of the swarm to a manager.
 * All else goes to the first, which is the job's own.
 */
export class Engines extends OnFirst implements Docker {
  readonly #members: readonly [Member, ...Member[]];
  readonly #manager: Engine;
  readonly #managerName: string;
  /** By container: the name of the member that has it. */
  readonly #places: Map<string, string>;

  /**
   * @param members - the job's own first
   * @param manager - name of one that is a manager of the swarm
   * @param places - where containers are, as far as it is known; grows
   */
  constructor(
    members: readonly [Member, ...Member[]],
    manager: string,
    places = new Map<string, string>(),
  ) {
    super(members[0].engine);
    this.#members = members;
    this.#manager = memberNamed(members, manager).engine;
    this.#managerName = manager;
    this.#places = places;
  }

  within(signal: AbortSignal): Engines {
    const scoped = ({ name, engine }: Member): Member => ({ name, engine: engine.within(signal) });
    const [first, ...others] = this.#members;
    // They share what they know: a container stays where it is.
    return new Engines([scoped(first), ...others.map(scoped)], this.#managerName, this.#places);
  }

  /** The same engines, for commands that have the signal, the marks, and the patience of another's. */
  through(engine: Engine): Engines {
    const reached = ({ name }: Member): Member => ({ name, engine: engine.on(name) });
    const [first, ...others] = this.#members;
    return new Engines([reached(first), ...others.map(reached)], this.#managerName, this.#places);
  }

  /** Says where a container will be, before it is created. */
  place(container: string, name: string): void {
    this.#places.set(container, memberNamed(this.#members, name).name);
  }

  /** The engine that has a container. One that is nowhere would be on the first. */
  async at(container: string): Promise<Engine> {
    if (!this.#places.has(container)) await this.containers(`name=^${container}$`);
    const place = this.#places.get(container);
    return place === undefined ? this.#members[0].engine : memberNamed(this.#members, place).engine;
  }

  /**
   * Gives an image to all engines that don't have it.
   *
   * @param from - a container on the engine that has it; otherwise it is the first
   */
  async shareImage(reference: string, terms: SharingTerms, from?: string): Promise<void> {
    const engine = from === undefined ? this.#members[0].engine : await this.at(from);
    const source = this.#members.find((each) => each.engine === engine) ?? this.#members[0];
    const others = this.#members.filter((each) => each !== source);
    await shareImage({ reference, source, others }, terms);
  }

  get members(): readonly [Member, ...Member[]] {
    return this.#members;
  }

  networkFacts(network: string): Promise<NetworkFacts | undefined> {
    return this.#manager.networkFacts(network);
  }

  async takenAddresses(network: string): Promise<string[]> {
    return (await this.#all(({ engine }) => engine.takenAddresses(network))).flat();
  }

  async allSubnets(): Promise<string[]> {
    return (await this.#all(({ engine }) => engine.allSubnets())).flat();
  }

  async loadImage(image: Uint8Array): Promise<void> {
    await this.#all(({ engine }) => engine.loadImage(image));
  }

  /** What a manager says of it: it knows more. */
  swarm(): Promise<SwarmFacts> {
    return this.#manager.swarm();
  }

  swarmNodes(): Promise<string[]> {
    return this.#manager.swarmNodes();
  }

  createNetwork(args: readonly string[]): Promise<void> {
    return this.#manager.createNetwork(args);
  }

  removeNetwork(name: string): Promise<void> {
    return this.#manager.removeNetwork(name);
  }

  async runContainer(args: readonly string[]): Promise<void> {
    await (await this.at(nameIn(args))).runContainer(args);
  }

  async createContainer(args: readonly string[]): Promise<void> {
    await (await this.at(nameIn(args))).createContainer(args);
  }

  async changeConnection(verb: "connect" | "disconnect", args: readonly string[]): Promise<void> {
    await (await this.at(args.at(-1) ?? "")).changeConnection(verb, args);
  }

  async putArchive(container: string, archive: Uint8Array, folder?: string): Promise<void> {
    await (await this.at(container)).putArchive(container, archive, folder);
  }

  async getArchive(container: string, folder: string): Promise<Uint8Array | undefined> {
    return (await this.at(container)).getArchive(container, folder);
  }

  async logs(container: string, lines: number | "all"): Promise<string[]> {
    return (await this.at(container)).logs(container, lines);
  }

  async ranOutOfMemory(container: string, until: Date): Promise<boolean> {
    return (await this.at(container)).ranOutOfMemory(container, until);
  }

  async removeButKeepVolumes(container: string): Promise<void> {
    await (await this.at(container)).removeButKeepVolumes(container);
  }

  async untilStopped(container: string): Promise<void> {
    await (await this.at(container)).untilStopped(container);
  }

  async inspectContainers(names: readonly string[]): Promise<ContainerFacts[]> {
    const facts = await this.#byEngine(names, (engine, own) => engine.inspectContainers(own));
    return facts.flat();
  }

  async change(verb: ContainerVerb, containers: readonly string[]): Promise<void> {
    await this.#byEngine(containers, (engine, own) => engine.change(verb, own));
  }

  async pause(containers: readonly string[]): Promise<void> {
    await this.#byEngine(containers, (engine, own) => engine.pause(own));
  }

  async removeContainers(names: readonly string[]): Promise<void> {
    await this.#byEngine(names, (engine, own) => engine.removeContainers(own));
  }

  async containers(...filters: string[]): Promise<string[]> {
    const lists = await this.#all(async ({ name, engine }) => {
      const found = await engine.containers(...filters);
      for (const container of found) this.#places.set(container, name);
      return found;
    });
    return lists.flat();
  }

  async labeledContainers(
    filters: readonly string[],
    labels: readonly string[],
  ): Promise<ListedContainer[]> {
    const lists = await this.#all(async ({ name, engine }) => {
      const found = await engine.labeledContainers(filters, labels);
      for (const container of found) this.#places.set(container.name, name);
      return found;
    });
    return lists.flat();
  }

  /** Each engine's own, and the swarm's as the manager has them: workers forget them only later. */
  async networks(...filters: string[]): Promise<string[]> {
    const [ofSwarm, ...own] = await Promise.all([
      this.#manager.networks(...filters, "scope=swarm"),
      ...this.#members.map(({ engine }) => engine.networks(...filters, "scope=local")),
    ]);
    return [...ofSwarm, ...own.flat()];
  }

  /** Those on any engine. A worker knows a network of the swarm only while it has a container there. */
  async networkMembers(network: string): Promise<NetworkMember[] | undefined> {
    const lists = await this.#all(({ engine }) => engine.networkMembers(network));
    return lists.every((list) => list === undefined)
      ? undefined
      : lists.flatMap((each) => each ?? []);
  }

  async volumes(...filters: string[]): Promise<string[]> {
    return (await this.#all(({ engine }) => engine.volumes(...filters))).flat();
  }

  async labels(filters: readonly string[], names: readonly string[]): Promise<string[][]> {
    return (await this.#all(({ engine }) => engine.labels(filters, names))).flat();
  }

  /** Missing ones are fine, so every engine is asked to remove them. */
  async removeVolumes(names: readonly string[]): Promise<void> {
    await this.#all(({ engine }) => engine.removeVolumes(names));
  }

  async firstExit(filters: readonly string[], since: Date): Promise<Exit> {
    const others = new AbortController();
    const exits = this.#members.map(({ engine }) =>
      engine.within(others.signal).firstExit(filters, since),
    );
    try {
      return await Promise.race(exits);
    } finally {
      others.abort();
      await Promise.allSettled(exits);
    }
  }

  #all<T>(ask: (member: Member) => Promise<T>): Promise<T[]> {
    return Promise.all(this.#members.map(ask));
  }

  /** Does something on every engine with those of the containers that it has. */
  async #byEngine<T>(
    containers: readonly string[],
    act: (engine: Engine, own: readonly string[]) => Promise<T>,
  ): Promise<T[]> {
    const placed = await Promise.all(
      containers.map(async (container) => ({ container, engine: await this.at(container) })),
    );
    const groups = Map.groupBy(placed, ({ engine }) => engine);
    return Promise.all(
      Array.from(groups, ([engine, own]) =>
        act(
          engine,
          own.map(({ container }) => container),
        ),
      ),
    );
  }
}

function memberNamed(members: readonly Member[], name: string): Member {
  const member = members.find((each) => each.name === name);
  if (!member) throw new Error(`no engine is named ${name}`);
  return member;
}

/** The name that arguments of `docker run` give a container; empty if the engine makes one up. */
function nameIn(args: readonly string[]): string {
  const option = "--name=";
  return args.find((each) => each.startsWith(option))?.slice(option.length) ?? "";
}
