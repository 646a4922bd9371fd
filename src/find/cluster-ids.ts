import type { Docker } from "../docker/docker.ts";
import {
  anyClusterFilter,
  clusterFilter,
  jobFilters,
  labelNames,
  nodeFilter,
} from "../plan/labels.ts";
import { ownContainer } from "../runner/machine.ts";
import { labelOf } from "./node-facts.ts";

/**
 * The clusters of which the engine has containers, in whatever state.
 *
 * @param wanted - a cluster ID; empty for all clusters of the job
 * @param env - the runner's environment, which identifies the job
 * @returns their IDs, none if no container is left
 */
export async function clusterIds(
  docker: Docker,
  wanted: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const scope = wanted === "" ? jobFilters(env, ownContainer()) : [clusterFilter(wanted)];
  const names = await docker.containers(anyClusterFilter, nodeFilter, ...scope);
  const facts = await docker.inspectContainers(names);
  return [...new Set(facts.map((each) => labelOf(each, labelNames.cluster)))].toSorted();
}
