/** The engines that a cluster is on. */
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import type { Engine } from "../docker/engine.ts";
import { Engines, type Member } from "../docker/engines.ts";
import { anyClusterFilter, clusterFilter, jobFilters, labelNames } from "../plan/labels.ts";
import { ownContainer } from "../runner/machine.ts";

/**
 * All engines of a cluster, as the labels of its objects on the job's own engine name them.
 *
 * @param engine - the job's own
 * @param wanted - a cluster ID; empty for the job's only cluster
 * @param env - the runner's environment, which identifies the job
 * @returns the same engine if the cluster is on that alone
 */
export async function acrossEngines(
  engine: Engine,
  wanted: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Docker> {
  const scope = wanted === "" ? jobFilters(env, ownContainer()) : [clusterFilter(wanted)];
  const labels = await engine.labels([anyClusterFilter, ...scope], [labelNames.engines]);
  const [first, ...others] =
    labels
      .flat()
      .find((names) => names !== "")
      ?.split(" ") ?? [];
  if (first === undefined) return engine;
  const memberOf = (name: string): Member => ({ name, engine: engine.on(name) });
  const members = [memberOf(first), ...others.map(memberOf)] as const;
  const managers = await Promise.all(
    members.map(async ({ name, engine: each }) => ((await isManager(each)) ? [name] : [])),
  );
  return new Engines(members, managers.flat()[0] ?? first);
}

/** One that does not answer is none. */
async function isManager(engine: Engine): Promise<boolean> {
  try {
    return (await engine.swarm()).isManager;
  } catch (error) {
    if (error instanceof DockerError) return false;
    throw error;
  }
}
