/** Removing a cluster from several engines, of which some may not answer. */
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import type { Engine } from "../docker/engine.ts";
import { messageOf } from "../errors.ts";
import { destroy, type Leftover, type Removal } from "./destroy.ts";

/** Milliseconds for what is done on one engine. */
const limit = 60_000;

/**
 * Attempts to remove the swarm's network. Engines tell the manager of containers that are gone in their own
 * time, which is up to seconds on a busy machine.
 */
const swarmAttempts = 25;

/** What could not be removed from one engine, and why. */
export interface LeftoverOn extends Leftover {
  /** The engine's docker context; empty for the one in use. */
  readonly dockerContext: string;
}

/** What came of a removal from several engines. */
export interface RemovalOnAll extends Removal {
  readonly leftovers: readonly LeftoverOn[];
}

/** A cluster that is to be removed. */
export interface ToRemove {
  readonly clusterId: string;
  /** Docker contexts of its engines; empty for the one in use. */
  readonly engines: readonly string[];
}

/**
 * Removes everything with the cluster's label, from every engine that it is on.
 *
 * @throws DockerError if the only engine does not answer. One of several costs its own time limit, and is
 *   among the leftovers
 */
export async function destroyCluster(
  docker: Docker,
  { clusterId, engines }: ToRemove,
): Promise<RemovalOnAll> {
  if (engines.length > 0) return destroyOnAll(docker, clusterId, engines);
  const removal = await destroy(docker, clusterId);
  return { ...removal, leftovers: removal.leftovers.map(leftoverOn("")) };
}

/**
 * All engines at once, and then the swarm's network on a manager: it is in use as long as any engine has an
 * agent.
 */
async function destroyOnAll(
  docker: Docker,
  clusterId: string,
  names: readonly string[],
): Promise<RemovalOnAll> {
  const within = (name: string) => docker.on(name).within(AbortSignal.timeout(limit));
  const local = await Promise.all(
    names.map((name) =>
      attempt(name, destroy(within(name), clusterId, { networkFilters: ["scope=local"] })),
    ),
  );
  const answering = local.flatMap(({ name, isSilent }) => (isSilent ? [] : [name]));
  const manager = await managerAmong(answering, within);
  // Where all engines are empty, the manager hears of it soon. One that is silent may well not be.
  const terms = answering.length === names.length ? { maxAttempts: swarmAttempts } : {};
  const shared =
    manager === undefined
      ? []
      : [await attempt(manager, destroy(within(manager), clusterId, terms))];
  const all = [...local, ...shared].map(({ removal }) => removal);
  return {
    found: all.some(({ found }) => found),
    containers: all.reduce((sum, { containers }) => sum + containers, 0),
    leftovers: all.flatMap(({ leftovers }) => leftovers),
  };
}

/** The first that is a manager of the swarm. */
async function managerAmong(
  names: readonly string[],
  engineOn: (name: string) => Engine,
): Promise<string | undefined> {
  const managers = await Promise.all(
    names.map(async (name) => {
      const { isManager } = await engineOn(name).swarm().catch(notManager);
      return isManager ? [name] : [];
    }),
  );
  return managers.flat()[0];
}

function notManager(error: unknown): { isManager: false } {
  if (error instanceof DockerError || isTimeout(error)) return { isManager: false };
  throw error;
}

/** What came of the removal from one engine. */
interface Attempt {
  readonly name: string;
  /** Whether the engine does not answer, or not in time. */
  readonly isSilent: boolean;
  readonly removal: RemovalOnAll;
}

async function attempt(name: string, work: Promise<Removal>): Promise<Attempt> {
  try {
    const done = await work;
    const leftovers = done.leftovers.map(leftoverOn(name));
    return { name, isSilent: false, removal: { ...done, leftovers } };
  } catch (error) {
    if (!(error instanceof DockerError) && !isTimeout(error)) throw error;
    const reason = isTimeout(error) ? `not done within ${limit / 1000} s.` : messageOf(error);
    const leftover = { name: `engine ${name}`, reason, dockerContext: name };
    return { name, isSilent: true, removal: { found: true, containers: 0, leftovers: [leftover] } };
  }
}

const leftoverOn =
  (dockerContext: string) =>
  (leftover: Leftover): LeftoverOn => ({ ...leftover, dockerContext });

const isTimeout = (error: unknown) => error instanceof Error && error.name === "TimeoutError";
