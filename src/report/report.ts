import * as core from "@actions/core";
import { writeCommandFile } from "../runner/command-files.ts";
import { barsOf, type Timeline } from "../runner/timeline.ts";
import { writeSummary } from "./job-summary.ts";
import type { Node } from "./nodes.ts";
import type { ReadyCluster } from "./ready-cluster.ts";
import { summaryText } from "./summary.ts";

/** The outputs, in the order of action.yml. A check compares action.yml and README with them. */
export const outputNames = [
  "http-address",
  "http-host",
  "http-port",
  "dns-address",
  "dns-host",
  "dns-port",
  "grpc-address",
  "client-address",
  "host-address",
  "http-token",
  "ca-cert",
  "client-cert",
  "client-key",
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
  const [httpHost, httpPort] = hostAndPort(cluster.http);
  const [dnsHost, dnsPort] = hostAndPort(cluster.dns);
  return {
    "http-address": `${cluster.credentials.scheme}://${cluster.http}`,
    "http-host": httpHost,
    "http-port": httpPort,
    "dns-address": cluster.dns,
    "dns-host": dnsHost,
    "dns-port": dnsPort,
    "grpc-address": cluster.grpc,
    "client-address": clientAddressOf(cluster.nodes),
    "host-address": cluster.hostAddress,
    "http-token": cluster.credentials.token ?? "",
    "ca-cert": cluster.caFile,
    "client-cert": cluster.clientFiles?.certificate ?? "",
    "client-key": cluster.clientFiles?.key ?? "",
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

function hostAndPort(address: string): [host: string, port: string] {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon), address.slice(colon + 1)];
}

/**
 * The first client of the primary datacenter: one elsewhere would answer for another datacenter.
 *
 * @param nodes - the primary datacenter's first
 */
export function clientAddressOf(nodes: readonly Node[]): string {
  const primary = nodes.filter(({ datacenter }) => datacenter === nodes[0]?.datacenter);
  return (primary.find(({ role }) => role === "client") ?? nodes[0])?.http ?? "";
}

/**
 * Variables for later steps, which Consul's CLI and SDKs read.
 *
 * @param env - the variables that later steps have already
 */
export function environmentOf(
  cluster: ReadyCluster,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const { http, grpc, caFile, clientFiles } = cluster;
  const { scheme, token } = cluster.credentials;
  return {
    CONSUL_HTTP_ADDR: `${scheme}://${http}`,
    ...(token && { CONSUL_HTTP_TOKEN: token }),
    // Consul also takes the scheme for gRPC from here.
    CONSUL_GRPC_ADDR: scheme === "https" ? `https://${grpc}` : grpc,
    // Clients that can't read a scheme in the address, such as python-consul, take it from here.
    // To Consul's own it means more than `http://` in the address, so one from an earlier step must go.
    ...((scheme === "https" || env.CONSUL_HTTP_SSL) && {
      CONSUL_HTTP_SSL: String(scheme === "https"),
    }),
    ...(caFile && { CONSUL_CACERT: caFile, CONSUL_GRPC_CACERT: caFile }),
    ...(clientFiles && {
      CONSUL_CLIENT_CERT: clientFiles.certificate,
      CONSUL_CLIENT_KEY: clientFiles.key,
    }),
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
      for (const [name, value] of Object.entries(environmentOf(cluster, process.env)))
        core.exportVariable(name, value);
  });
  const bars = barsOf(timeline.phases());
  await core.group("Where the time went", async () => core.info(bars.join("\n")));
  await writeSummary(summaryText(cluster, bars));
}
