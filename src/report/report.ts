import * as core from "@actions/core";
import { messageOf } from "../errors.ts";
import { writeCommandFile } from "../runner/command-files.ts";
import { warn } from "../runner/log.ts";
import { barsOf, type Timeline } from "../runner/timeline.ts";
import type { ReadyCluster } from "./ready-cluster.ts";
import { summaryText } from "./summary.ts";

/** The outputs, in the order of action.yml. A check compares action.yml and README with them. */
export const outputNames = [
  "http-address",
  "dns-address",
  "grpc-address",
  "http-token",
  "ca-cert",
  "nodes",
  "leader",
  "network",
  "version",
  "datacenter",
  "datacenters",
  "tokens",
  "cluster-id",
  "logs",
] as const;
type OutputName = (typeof outputNames)[number];

/**
 * The value of every output.
 *
 * @param logs - the folder for evidence
 */
export function outputsOf(cluster: ReadyCluster, logs: string): Record<OutputName, string> {
  return {
    "http-address": `${cluster.credentials.scheme}://${cluster.http}`,
    "dns-address": cluster.dns,
    "grpc-address": cluster.grpc,
    "http-token": cluster.credentials.token ?? "",
    "ca-cert": cluster.caFile,
    nodes: JSON.stringify(cluster.nodes),
    leader: cluster.leader,
    network: cluster.plan.network,
    version: cluster.version,
    datacenter: cluster.plan.spec.datacenters[0].name,
    datacenters: JSON.stringify(cluster.datacenters),
    tokens: JSON.stringify(cluster.tokens),
    "cluster-id": cluster.plan.prerequisites.clusterId,
    logs,
  };
}

/** Variables for later steps, which Consul's CLI and SDKs read. */
export function environmentOf(cluster: ReadyCluster): Record<string, string> {
  const { http, grpc, caFile } = cluster;
  const { scheme, token } = cluster.credentials;
  return {
    CONSUL_HTTP_ADDR: `${scheme}://${http}`,
    ...(token && { CONSUL_HTTP_TOKEN: token }),
    // Consul also takes the scheme for gRPC from here.
    CONSUL_GRPC_ADDR: scheme === "https" ? `https://${grpc}` : grpc,
    ...(caFile && { CONSUL_CACERT: caFile, CONSUL_GRPC_CACERT: caFile }),
  };
}

/**
 * Reports the cluster to the job: outputs, environment of later steps, job summary, and timeline.
 *
 * @param logs - the folder for evidence
 * @throws ActionError if the runner's command files can't be written
 */
export async function reportCluster(
  cluster: ReadyCluster,
  logs: string,
  timeline: Timeline,
): Promise<void> {
  writeCommandFile(() => {
    const outputs = Object.entries(outputsOf(cluster, logs));
    for (const [name, value] of outputs) core.setOutput(name, value);
    if (cluster.plan.spec.exportEnv)
      for (const [name, value] of Object.entries(environmentOf(cluster)))
        core.exportVariable(name, value);
  });
  const bars = barsOf(timeline.phases());
  await core.group("Where the time went", async () => core.info(bars.join("\n")));
  try {
    await core.summary.addRaw(summaryText(cluster, bars), true).write();
  } catch (error) {
    // The job does not depend on it.
    warn(`The job summary can't be written: ${messageOf(error)}`);
  }
}
