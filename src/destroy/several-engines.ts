/** Removing a cluster from several engines, of which some may not answer. */
import { DockerError } from "../docker/docker-error.ts";
import type { Engine } from "../docker/engine.ts";
import { messageOf } from "../errors.ts";
import { destroy, type Leftover, type Removal } from "./destroy.ts";

/** An object that could not be removed, or an engine that did not answer, and the engine's context. */
interface LeftoverOn extends Leftover {
  readonly dockerContext: string;
}

/** What came of a removal from several engines. */
export interface RemovalOnAll extends Removal {
  readonly leftovers: readonly LeftoverOn[];
}

/**
 * Removes everything with the cluster's label from every engine, all at once, and then the swarm's network
 * from a manager: it is in use as long as any engine has an agent. An engine that does not answer costs its
 * own patience, and nothing of the others stays.
 *
 * @param engineOn - the engine of a docker context, with a time limit of its own
 * @param names - the docker contexts
 */
export async function destroyOnAll(
  engineOn: (name: string) => Engine,
  names: readonly string[],
  clusterId: string,
): Promise<RemovalOnAll> {
  const local = await Promise.all(
    names.map((name) => attempt(name, destroy(engineOn(name), clusterId, ["scope=local"]))),
  );
  const managers = await Promise.all(
    names.map(async (name) => {
      const { isManager } = await engineOn(name).swarm().catch(notManager);
      return isManager ? [name] : [];
    }),
  );
  const [manager] = managers.flat();
  const shared =
    manager === undefined ? [] : [await attempt(manager, destroy(engineOn(manager), clusterId))];
  const all = [...local, ...shared];
  return {
    found: all.some(({ found }) => found),
    containers: all.reduce((sum, { containers }) => sum + containers, 0),
    leftovers: all.flatMap(({ leftovers }) => leftovers),
  };
}

function notManager(error: unknown): { isManager: false } {
  if (error instanceof DockerError) return { isManager: false };
  throw error;
}

async function attempt(dockerContext: string, removal: Promise<Removal>): Promise<RemovalOnAll> {
  try {
    const done = await removal;
    return { ...done, leftovers: done.leftovers.map((each) => ({ ...each, dockerContext })) };
  } catch (error) {
    if (!(error instanceof DockerError) && !isTimeout(error)) throw error;
    const leftover = { name: `engine ${dockerContext}`, reason: messageOf(error), dockerContext };
    return { found: true, containers: 0, leftovers: [leftover] };
  }
}

const isTimeout = (error: unknown) => error instanceof Error && error.name === "TimeoutError";
