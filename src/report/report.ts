import * as core from "@actions/core";
import type { Credentials, Member, RaftPeer } from "../consul/consul.ts";
import { messageOf } from "../errors.ts";
import { type AgentPlan, addressOf, type ClusterPlan } from "../plan/plan.ts";
import { asked } from "../ready/gates.ts";
import { answering } from "../runner/command-files.ts";
import { barsOf, type Timeline } from "../runner/timeline.ts";
import type { SeededToken } from "../seed/seed.ts";
import { summaryOf } from "./summary.ts";

/** The outputs, in the order of action.yml. A check keeps action.yml and README equal to them. */
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

/** One object of the output `nodes`. */
export interface Node {
  readonly name: string;
  readonly role: string;
  readonly datacenter: string;
  readonly container: string;
  readonly ip: string;
  /** URL of the node's own HTTP API. */
  readonly http: string;
}

/** One object of the output `datacenters`. */
export interface ReadyDatacenter {
  readonly name: string;
  /** URL of its first server's HTTP API. */
  readonly http: string;
  /** Node name. */
  readonly leader: string;
}

/** What is known of a cluster that is ready. */
export interface ReadyCluster {
  readonly plan: ClusterPlan;
  readonly nodes: readonly Node[];
  /** The primary first. */
  readonly datacenters: readonly ReadyDatacenter[];
  /** The primary datacenter's. */
  readonly leader: string;
  /** The tokens that the cluster file declares. Their secrets are secret. */
  readonly tokens: readonly SeededToken[];
  readonly version: string;
  /** `host:port` of the first server's APIs. */
  readonly http: string;
  readonly dns: string;
  readonly grpc: string;
  readonly credentials: Credentials;
  /** Path of the CA certificate on the runner; empty without TLS. */
  readonly caFile: string;
}

/** Asks the cluster what is to be reported of it. */
export async function describe(
  plan: ClusterPlan,
  agents: readonly AgentPlan[],
  credentials: Credentials,
  caFile: string,
  tokens: readonly SeededToken[],
): Promise<ReadyCluster> {
  const [first] = agents;
  if (!first) throw new Error("a cluster has at least one server");
  const views = await Promise.all(
    plan.spec.datacenters.map(({ name }) => lookAt(name, agents, credentials)),
  );
  const members = views.flatMap((view) => view.members);
  return {
    plan,
    nodes: agents.map((agent) => nodeOf(agent, credentials, members)),
    datacenters: views.map(({ name, http, leader }) => ({ name, http, leader })),
    leader: views[0]?.leader ?? "",
    tokens,
    version: members.find(({ node }) => node === first.node)?.version ?? "",
    http: addressOf(first, "http"),
    dns: addressOf(first, "dns"),
    grpc: addressOf(first, "grpc"),
    credentials,
    caFile,
  };
}

/** Asks a datacenter's first server. */
async function lookAt(name: string, agents: readonly AgentPlan[], credentials: Credentials) {
  const first = agents.find(({ datacenter }) => datacenter === name);
  if (!first) throw new Error("a datacenter has at least one server");
  const { consul } = asked(first, credentials);
  const [members, peers] = await Promise.all([consul.members(), consul.raftPeers()]);
  const http = `${credentials.scheme}://${addressOf(first, "http")}`;
  return { name, http, members, leader: leaderOf(peers) };
}

const leaderOf = (peers: readonly RaftPeer[]) => peers.find(({ isLeader }) => isLeader)?.node ?? "";

function nodeOf(agent: AgentPlan, { scheme }: Credentials, members: readonly Member[]): Node {
  return {
    name: agent.node,
    role: agent.role,
    datacenter: agent.datacenter,
    container: agent.container,
    ip: members.find(({ node }) => node === agent.node)?.ip ?? "",
    http: `${scheme}://${addressOf(agent, "http")}`,
  };
}

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
    "cluster-id": cluster.plan.site.clusterId,
    logs,
  };
}

/** Variables for later steps, as Consul's own CLI and SDKs read them. */
export function environmentOf(cluster: ReadyCluster): Record<string, string> {
  const { http, grpc, caFile } = cluster;
  const { scheme, token } = cluster.credentials;
  return {
    CONSUL_HTTP_ADDR: `${scheme}://${http}`,
    ...(token && { CONSUL_HTTP_TOKEN: token }),
    // Consul takes the scheme for gRPC from here too.
    CONSUL_GRPC_ADDR: scheme === "https" ? `https://${grpc}` : grpc,
    ...(caFile && { CONSUL_CACERT: caFile, CONSUL_GRPC_CACERT: caFile }),
  };
}

/**
 * Hands the cluster to the job: outputs, environment of later steps, summary, and where the time went.
 *
 * @param logs - the folder for evidence
 * @throws ActionError where the runner's files can't be written
 */
export async function report(
  cluster: ReadyCluster,
  logs: string,
  timeline: Timeline,
): Promise<void> {
  answering(() => {
    const outputs = Object.entries(outputsOf(cluster, logs));
    for (const [name, value] of outputs) core.setOutput(name, value);
    if (cluster.plan.spec.exportEnv)
      for (const [name, value] of Object.entries(environmentOf(cluster)))
        core.exportVariable(name, value);
  });
  const bars = barsOf(timeline.phases());
  await core.group("Where the time went", async () => core.info(bars.join("\n")));
  try {
    await core.summary.addRaw(summaryOf(cluster, bars), true).write();
  } catch (error) {
    // Nothing of the job depends on it.
    core.warning(`The job summary can't be written: ${messageOf(error)}`);
  }
}
