import * as core from "@actions/core";
import { Consul, type Member, type RaftPeer } from "./consul.ts";
import { messageOf } from "./errors.ts";
import { type AgentPlan, addressOf, type ClusterPlan } from "./plan.ts";
import { answering } from "./runner-files.ts";
import { summaryOf } from "./summary.ts";

/** The outputs, in the order of action.yml. A check keeps action.yml and README equal to them. */
export const outputNames = [
  "http-address",
  "dns-address",
  "grpc-address",
  "nodes",
  "leader",
  "network",
  "version",
  "datacenter",
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

/** What is known of a cluster that is ready. */
export interface ReadyCluster {
  readonly plan: ClusterPlan;
  readonly nodes: readonly Node[];
  readonly leader: string;
  readonly version: string;
  /** `host:port` of the first server's APIs. */
  readonly http: string;
  readonly dns: string;
  readonly grpc: string;
}

/** Asks the cluster what is to be reported of it. */
export async function describe(
  plan: ClusterPlan,
  agents: readonly AgentPlan[],
): Promise<ReadyCluster> {
  const [first] = agents;
  if (!first) throw new Error("a cluster has at least one server");
  const consul = new Consul(addressOf(first, "http"));
  const [members, peers] = await Promise.all([consul.members(), consul.raftPeers()]);
  return {
    plan,
    nodes: agents.map((agent) => nodeOf(plan, agent, members)),
    leader: leaderOf(peers),
    version: members.find(({ node }) => node === first.node)?.version ?? "",
    http: addressOf(first, "http"),
    dns: addressOf(first, "dns"),
    grpc: addressOf(first, "grpc"),
  };
}

const leaderOf = (peers: readonly RaftPeer[]) => peers.find(({ isLeader }) => isLeader)?.node ?? "";

function nodeOf({ spec }: ClusterPlan, agent: AgentPlan, members: readonly Member[]): Node {
  return {
    name: agent.node,
    role: agent.role,
    datacenter: spec.datacenter,
    container: agent.container,
    ip: members.find(({ node }) => node === agent.node)?.ip ?? "",
    http: `http://${addressOf(agent, "http")}`,
  };
}

/**
 * The value of every output.
 *
 * @param logs - the folder for evidence
 */
export function outputsOf(cluster: ReadyCluster, logs: string): Record<OutputName, string> {
  return {
    "http-address": `http://${cluster.http}`,
    "dns-address": cluster.dns,
    "grpc-address": cluster.grpc,
    nodes: JSON.stringify(cluster.nodes),
    leader: cluster.leader,
    network: cluster.plan.network,
    version: cluster.version,
    datacenter: cluster.plan.spec.datacenter,
    "cluster-id": cluster.plan.site.clusterId,
    logs,
  };
}

/** Variables for later steps, as Consul's own CLI and SDKs read them. */
export function environmentOf(cluster: ReadyCluster): Record<string, string> {
  return { CONSUL_HTTP_ADDR: `http://${cluster.http}`, CONSUL_GRPC_ADDR: cluster.grpc };
}

/**
 * Hands the cluster to the job: outputs, environment of later steps, summary.
 *
 * @param logs - the folder for evidence
 * @throws ActionError where the runner's files can't be written
 */
export async function report(cluster: ReadyCluster, logs: string): Promise<void> {
  answering(() => {
    const outputs = Object.entries(outputsOf(cluster, logs));
    for (const [name, value] of outputs) core.setOutput(name, value);
    if (cluster.plan.spec.exportEnv)
      for (const [name, value] of Object.entries(environmentOf(cluster)))
        core.exportVariable(name, value);
  });
  try {
    await core.summary.addRaw(summaryOf(cluster), true).write();
  } catch (error) {
    // Nothing of the job depends on it.
    core.warning(`The job summary can't be written: ${messageOf(error)}`);
  }
}
