import type { ContainerFacts } from "../docker/answers.ts";
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

/** What a listing tells of a node's container. */
export interface ListedNode {
  readonly container: string;
  readonly clusterId: string;
  readonly role: string;
  /** As docker shows it: the agent's program and arguments. */
  readonly command: string;
}

/**
 * The containers of clusters' nodes, in whatever state.
 *
 * @param wanted - a cluster ID; empty for all clusters of the job
 * @param env - the runner's environment, which identifies the job
 */
export async function listedNodes(
  docker: Docker,
  wanted: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ListedNode[]> {
  const scope = wanted === "" ? jobFilters(env, ownContainer()) : [clusterFilter(wanted)];
  const filters = [anyClusterFilter, nodeFilter, ...scope];
  const listed = await docker.labeledContainers(filters, [labelNames.cluster, labelNames.role]);
  return listed.map(({ name, values: [clusterId = "", role = ""], command }) => {
    return { container: name, clusterId, role, command };
  });
}

/**
 * What the engine reports about the containers of clusters' nodes, in whatever state.
 *
 * @param wanted - a cluster ID; empty for all clusters of the job
 * @param env - the runner's environment, which identifies the job
 */
export async function nodeContainers(
  docker: Docker,
  wanted: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ContainerFacts[]> {
  const listed = await listedNodes(docker, wanted, env);
  return docker.inspectContainers(listed.map(({ container }) => container));
}

/**
 * The IDs of clusters that have anything on the engine, if only a network or a volume.
 *
 * @param wanted - a cluster ID; empty for all clusters of the job
 * @param env - the runner's environment, which identifies the job
 */
export async function clustersLeft(
  docker: Docker,
  wanted: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const scope = wanted === "" ? jobFilters(env, ownContainer()) : [clusterFilter(wanted)];
  const labels = await docker.labels([anyClusterFilter, ...scope], [labelNames.cluster]);
  return [...new Set(labels.flat())];
}

/** The IDs of the clusters that containers belong to, each once. */
export const clusterIds = (facts: readonly ContainerFacts[]): string[] => [
  ...new Set(facts.map((each) => labelOf(each, labelNames.cluster))),
];
