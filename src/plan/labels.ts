import type { ClusterSpec } from "../inputs/cluster-spec.ts";

/** Whose an object on the engine is. */
export interface Owner {
  /** Tells this cluster from every other on the engine. */
  readonly clusterId: string;
  /** Labels of the job, besides the cluster's own. */
  readonly jobLabels: Readonly<Record<string, string>>;
}

/** Begins the name of every label. */
const action = "consul-cluster-action";

/** Names of the labels by which a cluster and its nodes are found again. */
export const labelNames = {
  cluster: `${action}.cluster`,
  run: `${action}.run`,
  job: `${action}.job`,
  runner: `${action}.runner`,
  /** Where the runner is installed: names of runners are unique within an organization only. */
  home: `${action}.home`,
  /** The runner's own mark of one job, also where a matrix runs a job's name many times. */
  tracking: `${action}.tracking`,
  /** Present where `cleanup` is false: nobody but a person removes this cluster. */
  keep: `${action}.keep`,
  node: `${action}.node`,
  role: `${action}.role`,
  datacenter: `${action}.datacenter`,
  /** Present on the nodes of the primary datacenter; with one datacenter, on all. */
  primary: `${action}.primary`,
  /** What an agent keeps its data in: `memory` or `disk`. */
  storage: `${action}.storage`,
  /** The cluster's network. A node may be connected to others, too. */
  network: `${action}.network`,
} as const;

const clusterLabel = (clusterId: string) => `${labelNames.cluster}=${clusterId}`;

/** The filter, of docker's listings, for all that belongs to one cluster. */
export const clusterFilter = (clusterId: string) => `label=${clusterLabel(clusterId)}`;

/** The filter for what belongs to any cluster. */
export const anyClusterFilter = `label=${labelNames.cluster}`;

/** The filter for nodes' containers, as against others that a cluster needs for a moment. */
export const nodeFilter = `label=${labelNames.node}`;

/**
 * Labels of the job that a cluster belongs to.
 *
 * @param env - the environment that the runner gives
 * @param host - name of the machine
 */
export function jobLabels(
  env: Readonly<Record<string, string | undefined>>,
  host: string,
): Record<string, string> {
  const temp = env.RUNNER_TEMP ?? "";
  // A container job sees every runner's folder under this one name, and a new host name each time.
  const isContainer = temp.startsWith("/__w/");
  return {
    [labelNames.run]: [env.GITHUB_REPOSITORY, env.GITHUB_RUN_ID, env.GITHUB_RUN_ATTEMPT].join("/"),
    [labelNames.job]: env.GITHUB_JOB ?? "",
    [labelNames.runner]: env.RUNNER_NAME ?? "",
    [labelNames.home]: `${isContainer ? env.GITHUB_REPOSITORY : host}:${temp}`,
    [labelNames.tracking]: env.RUNNER_TRACKING_ID ?? "",
  };
}

/** The label of a cluster that outlives its job on purpose. */
export function keepLabels({ cleanup }: ClusterSpec): Record<string, string> {
  return cleanup ? {} : { [labelNames.keep]: "true" };
}

export function labels({ clusterId, jobLabels }: Owner): string[] {
  const job = Object.entries(jobLabels).map(([name, value]) => `${name}=${value}`);
  return [clusterLabel(clusterId), ...job];
}

/** Arguments of any docker command that creates something of a cluster's. */
export const labelArguments = (owner: Owner) => labels(owner).map((label) => `--label=${label}`);
