import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import {
  anyClusterFilter,
  clusterFilter,
  enginesIn,
  jobFilters,
  labelNames,
  nodeFilter,
} from "../plan/labels.ts";
import { ownContainer } from "../runner/machine.ts";

/** What a listing tells of a node's container. */
export interface ListedNode {
  readonly container: string;
  readonly clusterId: string;
  readonly role: string;
  /** Docker contexts of the cluster's engines; empty if it is on the one in use. */
  readonly engines: readonly string[];
  /** As docker shows it: the agent's program and arguments. */
  readonly command: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Everything of one cluster, or if none is wanted, of all clusters of the job. */
const filtersFor = (wanted: string, env: Environment): string[] => [
  anyClusterFilter,
  ...(wanted === "" ? jobFilters(env, ownContainer()) : [clusterFilter(wanted)]),
];

/**
 * The containers of clusters' nodes, in whatever state.
 *
 * @param wanted - a cluster ID; empty for all clusters of the job
 * @param env - the runner's environment, which identifies the job
 */
export async function listedNodes(
  docker: Docker,
  wanted: string,
  env: Environment,
): Promise<ListedNode[]> {
  const filters = [...filtersFor(wanted, env), nodeFilter];
  const labels = [labelNames.cluster, labelNames.role, labelNames.engines];
  const listed = await docker.labeledContainers(filters, labels);
  return listed.map(({ name, values: [clusterId = "", role = "", engines = ""], command }) => {
    return { container: name, clusterId, role, engines: enginesIn(engines), command };
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
  env: Environment,
): Promise<ContainerFacts[]> {
  const listed = await listedNodes(docker, wanted, env);
  return docker.inspectContainers(listed.map(({ container }) => container));
}

/** A cluster of which there is something. */
export interface ClusterLeft {
  readonly clusterId: string;
  /** Docker contexts of its engines; empty if it is on the one in use. */
  readonly engines: readonly string[];
}

/**
 * The clusters that have anything on the engine, if only a network or a volume, each once.
 *
 * @param wanted - a cluster ID; empty for all clusters of the job
 * @param env - the runner's environment, which identifies the job
 */
export async function clustersLeft(
  docker: Docker,
  wanted: string,
  env: Environment,
): Promise<ClusterLeft[]> {
  const names = [labelNames.cluster, labelNames.engines];
  const labels = await docker.labels(filtersFor(wanted, env), names);
  const engines = new Map(labels.map(([clusterId = "", names = ""]) => [clusterId, names]));
  return Array.from(engines, ([clusterId, names]) => ({ clusterId, engines: enginesIn(names) }));
}
