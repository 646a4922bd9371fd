import type { EngineFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import type { ClusterSpec } from "../inputs/cluster-spec.ts";

/** Labels of an object: values by name. */
export type Labels = Readonly<Record<string, string>>;

/** The cluster and job that an object on the engine belongs to. */
export interface Owner {
  /** Unique among the clusters on the engine. */
  readonly clusterId: string;
  /** Labels of the job, in addition to the cluster's own. */
  readonly jobLabels: Labels;
}

/** Prefix of every label name. */
const prefix = "consul-cluster-action";

/** Names of the labels that identify a cluster and its nodes. */
export const labelNames = {
  cluster: `${prefix}.cluster`,
  run: `${prefix}.run`,
  job: `${prefix}.job`,
  runner: `${prefix}.runner`,
  /**
   * Host and folder of the runner: runner names are unique only within an organization. The
   * repository, if neither lasts longer than the job.
   */
  home: `${prefix}.home`,
  /**
   * The runner's folder for temporary files, and the container that it is in. With the run, the job,
   * and the runner it identifies a job that runs: jobs of a matrix share those three under act and on
   * Gitea and Forgejo. There, the folder is new for each job on a machine, and `/tmp` in a container.
   */
  temp: `${prefix}.temp`,
  /** The runner's tracking ID of the job: differs even between jobs of a matrix with one name. */
  tracking: `${prefix}.tracking`,
  /** The runner's process: PID namespace, PID, start time, name. No job outlives it. */
  runnerProcess: `${prefix}.runner-process`,
  /** ID of the container that the job runs in, if the engine knows it. */
  jobContainer: `${prefix}.job-container`,
  /** The machine that the job runs on, and the ID of its boot. */
  machine: `${prefix}.machine`,
  boot: `${prefix}.boot`,
  /** What the engine is: `docker` or `podman`. Later steps do some things differently. */
  engineKind: `${prefix}.engine-kind`,
  /** Present if `cleanup` is false: only a person removes this cluster. */
  keep: `${prefix}.keep`,
  /** The docker contexts of the cluster's engines, if it has several: the job's own first. */
  engines: `${prefix}.engines`,
  /** Present on the container that forwards to agents on other engines. */
  forwarder: `${prefix}.forwarder`,
  /** A node's engine, if the cluster has several. */
  engine: `${prefix}.engine`,
  /** Ports on the runner's loopback that lead to a node on another engine: `http=40001 dns=40002`. */
  forwarded: `${prefix}.forwarded`,
  node: `${prefix}.node`,
  role: `${prefix}.role`,
  datacenter: `${prefix}.datacenter`,
  /** Present on the nodes of the first datacenter, whose outputs the job gets. */
  primary: `${prefix}.primary`,
  /** Name of the primary of the datacenters that the node's is joined with over WAN, itself included. */
  federation: `${prefix}.federation`,
  /** Names of the datacenters that the node's dials as a peer, with commas between them. */
  dials: `${prefix}.dials`,
  /** What an agent keeps its data in: `memory` or `disk`. */
  storage: `${prefix}.storage`,
  /** The cluster's network. A node may be connected to others, too. */
  network: `${prefix}.network`,
  /** The ports at which a node is published, with commas between them: it needs them whenever it starts. */
  ports: `${prefix}.ports`,
} as const;

const clusterLabel = (clusterId: string) => `${labelNames.cluster}=${clusterId}`;

/** Environment that marks the docker commands of a cluster: the post step finds them by it. */
export const processMark = (clusterId: string) => ({ CONSUL_CLUSTER_ACTION_ID: clusterId });

/** Filter for docker listings: everything of one cluster. */
export const clusterFilter = (clusterId: string) => `label=${clusterLabel(clusterId)}`;

/** Filter for docker listings: everything of any cluster. */
export const anyClusterFilter = `label=${labelNames.cluster}`;

/** Filter for docker listings: containers of nodes, without a cluster's short-lived helpers. */
export const nodeFilter = `label=${labelNames.node}`;

/** Filter for docker listings: containers that have ports of the runner's loopback, whether they run or not. */
export const portsFilter = `label=${labelNames.ports}`;

/** Filter for docker listings: what leads to agents on other engines. */
export const forwarderFilter = `label=${labelNames.forwarder}`;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Labels of the job that a cluster belongs to.
 *
 * @param env - the environment that the runner sets
 * @param host - host name of the machine; empty in a container, whose name is new for each job
 * @param container - ID of the container that the job runs in; empty if there is none
 */
export function jobLabels(env: Environment, host: string, container: string): Labels {
  const temp = env.RUNNER_TEMP ?? "";
  // In a container job the folder is the same on every runner. Gitea's and Forgejo's runners and act
  // make a new one for each job.
  const isNewForJob = env.GITEA_ACTIONS === "true" || env.ACT === "true";
  const isLasting = host !== "" && !temp.startsWith("/__w/") && !isNewForJob;
  return {
    ...identity(env, container),
    [labelNames.home]: isLasting ? `${host}:${temp}` : (env.GITHUB_REPOSITORY ?? ""),
    [labelNames.tracking]: env.RUNNER_TRACKING_ID ?? "",
  };
}

/** What all steps of a job have in common, and no other job that runs at the same time. */
const identity = (env: Environment, container: string) => ({
  [labelNames.run]: [env.GITHUB_REPOSITORY, env.GITHUB_RUN_ID, env.GITHUB_RUN_ATTEMPT].join("/"),
  [labelNames.job]: env.GITHUB_JOB ?? "",
  [labelNames.runner]: env.RUNNER_NAME ?? "",
  [labelNames.temp]: [container, env.RUNNER_TEMP ?? ""].join(":"),
});

/**
 * Filters for docker listings: everything that belongs to a job.
 *
 * @param env - the environment that the runner sets
 * @param container - ID of the container that the job runs in; empty if there is none
 */
export const jobFilters = (env: Environment, container: string) =>
  Object.entries(identity(env, container)).map(([name, value]) => `label=${name}=${value}`);

/**
 * The labels of the engine that a cluster is on: what it is, and if there are several, which ones, so that
 * later steps need no input.
 *
 * @param engines - docker contexts; empty for the one in use
 */
export const engineLabels = (
  { isPodman }: Pick<EngineFacts, "isPodman">,
  engines: readonly string[] = [],
): Record<string, string> => ({
  [labelNames.engineKind]: isPodman ? "podman" : "docker",
  ...(engines.length > 0 && { [labelNames.engines]: engines.join(" ") }),
});

/** @param label - as {@link engineLabels} has it @returns docker contexts; empty for the one in use */
export const enginesIn = (label: string): string[] =>
  label.split(" ").filter((name) => name !== "");

/**
 * Whether a cluster's engine is podman. To ask the engine takes it longer than any other question: it
 * runs programs to learn their versions.
 *
 * @param label - of an object of the cluster; empty on those of an older version of this action
 */
export const isPodman = async (docker: Docker, label: string): Promise<boolean> =>
  label === "" ? (await docker.engineFacts()).isPodman : label === "podman";

/** The label of a cluster that is to outlive its job. */
export function keepLabels({ cleanup }: ClusterSpec): Record<string, string> {
  return cleanup ? {} : { [labelNames.keep]: "true" };
}

/** All labels of a cluster's object, as `name=value`. */
export function labels({ clusterId, jobLabels }: Owner): string[] {
  const job = Object.entries(jobLabels).map(([name, value]) => `${name}=${value}`);
  return [clusterLabel(clusterId), ...job];
}

/** Arguments for every docker command that creates an object of a cluster. */
export const labelArguments = (owner: Owner) => labels(owner).map((label) => `--label=${label}`);

/** Labels of a node's container that are not those of its cluster and job. */
const ofNodeAlone: readonly string[] = [
  labelNames.node,
  labelNames.role,
  labelNames.datacenter,
  labelNames.primary,
  labelNames.federation,
  labelNames.dials,
  labelNames.storage,
  labelNames.network,
  labelNames.engine,
  labelNames.forwarded,
  labelNames.ports,
];

/** The cluster and job that a container belongs to, from all of its labels. */
export function ownerIn(labels: Labels): Owner {
  const { [labelNames.cluster]: clusterId = "", ...others } = labels;
  const ofJob = Object.entries(others).filter(
    ([name]) => name.startsWith(`${prefix}.`) && !ofNodeAlone.includes(name),
  );
  return { clusterId, jobLabels: Object.fromEntries(ofJob) };
}
