import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import {
  containersIn,
  containersQuestion,
  inspectQuestion,
  type ListedContainer,
  labelsQuestions,
  volumesQuestion,
} from "../docker/questions.ts";
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

const nodeFilters = (wanted: string, env: Environment) => [...filtersFor(wanted, env), nodeFilter];
const nodeLabels = [labelNames.cluster, labelNames.role, labelNames.engines];

/** What {@link listedNodes} asks, and so the first question about a cluster that a step works on. */
export const nodesQuestion = (wanted: string, env: Environment): string[] =>
  containersQuestion(nodeFilters(wanted, env), nodeLabels);

/**
 * What is asked next about a cluster of which these are the nodes, by one engine's answer.
 *
 * @returns nothing if they are of several clusters, or if the cluster is on several engines
 */
export function questionsAfter(answer: string): string[][] {
  const nodes = containersIn(answer, nodeLabels).map(nodeIn);
  const [first] = nodes;
  const isOne = first && nodes.every(({ clusterId }) => clusterId === first.clusterId);
  if (!isOne || first.engines.length > 0) return [];
  const containers = nodes.map(({ container }) => container);
  return [inspectQuestion(containers), volumesQuestion([clusterFilter(first.clusterId)])];
}

/** What {@link clustersLeft} asks. */
export const leftQuestions = (wanted: string, env: Environment): string[][] =>
  labelsQuestions(filtersFor(wanted, env), leftLabels);

const leftLabels = [labelNames.cluster, labelNames.engines];

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
  return (await docker.labeledContainers(nodeFilters(wanted, env), nodeLabels)).map(nodeIn);
}

function nodeIn({ name, values, command }: ListedContainer): ListedNode {
  const [clusterId = "", role = "", engines = ""] = values;
  return { container: name, clusterId, role, engines: enginesIn(engines), command };
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
  const labels = await docker.labels(filtersFor(wanted, env), leftLabels);
  const engines = new Map(labels.map(([clusterId = "", names = ""]) => [clusterId, names]));
  return Array.from(engines, ([clusterId, names]) => ({ clusterId, engines: enginesIn(names) }));
}
