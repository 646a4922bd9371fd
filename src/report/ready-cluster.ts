import type { Member, RaftPeer } from "../consul/answers.ts";
import type { Credentials } from "../consul/http.ts";
import { type AgentPlan, addressOf, type ClusterPlan } from "../plan/plan.ts";
import { answerOf, clientFor } from "../ready/agents.ts";
import type { WaitLimits } from "../runner/poll.ts";
import type { SeededToken } from "../seed/acl.ts";
import type { Node } from "./nodes.ts";
import type { CertificateFiles } from "./runner-folder.ts";

/** One object of the output `datacenters`. */
export interface ReadyDatacenter {
  readonly name: string;
  /** URL of its first server's HTTP API. */
  readonly http: string;
  /** Node name. */
  readonly leader: string;
}

/** What is known about a cluster that is ready. */
export interface ReadyCluster {
  readonly plan: ClusterPlan;
  readonly nodes: readonly Node[];
  /** The primary first. */
  readonly datacenters: readonly ReadyDatacenter[];
  /** The primary datacenter's. */
  readonly leader: string;
  /** The tokens that the cluster file declares, with their secrets. */
  readonly tokens: readonly SeededToken[];
  /** The first server's. */
  readonly version: string;
  /** Every version that agents report, each once, the first server's first. */
  readonly versions: readonly string[];
  /** `host:port` of the first server's APIs. */
  readonly http: string;
  readonly dns: string;
  readonly grpc: string;
  readonly credentials: Credentials;
  /** Path of the CA's certificate on the runner; empty without TLS. */
  readonly caFile: string;
  /** Files on the runner that callers of the HTTP API need if it asks for a certificate. */
  readonly clientFiles?: CertificateFiles;
  /** IP address at which agents reach what listens on the runner; empty if they know none. */
  readonly hostAddress: string;
}

/** A cluster that runs, as far as the start knows it without asking. */
export interface StartedCluster {
  readonly plan: ClusterPlan;
  /** The plan's agents, with the ports they got. */
  readonly agents: readonly AgentPlan[];
  readonly credentials: Credentials;
  /** Path of the CA certificate on the runner; empty without TLS. */
  readonly caFile: string;
  /** Files on the runner that callers of the HTTP API need if it asks for a certificate. */
  readonly clientFiles?: CertificateFiles;
  /** The tokens that the cluster file declares. */
  readonly tokens: readonly SeededToken[];
  /** IP address at which agents reach what listens on the runner; empty if they know none. */
  readonly hostAddress: string;
}

/**
 * Asks the cluster for what the report needs.
 *
 * @throws ActionError if a server does not answer in time
 */
export async function describeCluster(
  started: StartedCluster,
  patience: WaitLimits,
): Promise<ReadyCluster> {
  const { plan, agents, credentials, caFile, clientFiles, tokens, hostAddress } = started;
  const [first] = agents;
  if (!first) throw new Error("a cluster has at least one server");
  const views = await Promise.all(
    plan.spec.datacenters.map(({ name }) => lookAt(name, started, patience)),
  );
  const members = views.flatMap((view) => view.members);
  const reported = agents.map(({ node }) => members.find((member) => member.node === node));
  const versions = [...new Set(reported.map((member) => member?.version ?? ""))];
  return {
    plan,
    nodes: agents.map((agent) => readyNode(agent, credentials, members)),
    datacenters: views.map(({ name, http, leader }) => ({ name, http, leader })),
    leader: views[0]?.leader ?? "",
    tokens,
    version: versions[0] ?? "",
    versions,
    http: addressOf(first, "http"),
    dns: addressOf(first, "dns"),
    grpc: addressOf(first, "grpc"),
    credentials,
    caFile,
    ...(clientFiles && { clientFiles }),
    hostAddress,
  };
}

/** Asks a datacenter's first server. */
async function lookAt(name: string, { agents, credentials }: StartedCluster, patience: WaitLimits) {
  const first = agents.find(({ datacenter }) => datacenter === name);
  if (!first) throw new Error("a datacenter has at least one server");
  const client = clientFor(first, credentials);
  const [members, peers] = await answerOf(
    client,
    "list its members and Raft peers",
    (consul) => Promise.all([consul.members(), consul.raftPeers()]),
    patience,
  );
  const http = `${credentials.scheme}://${addressOf(first, "http")}`;
  return { name, http, members, leader: leaderOf(peers) };
}

const leaderOf = (peers: readonly RaftPeer[]) => peers.find(({ isLeader }) => isLeader)?.node ?? "";

function readyNode(agent: AgentPlan, { scheme }: Credentials, members: readonly Member[]): Node {
  return {
    name: agent.node,
    role: agent.role,
    datacenter: agent.datacenter,
    container: agent.container,
    ip: members.find(({ node }) => node === agent.node)?.ip ?? "",
    http: `${scheme}://${addressOf(agent, "http")}`,
    dns: addressOf(agent, "dns"),
    grpc: addressOf(agent, "grpc"),
    ...(agent.place && { engine: agent.place.engine }),
  };
}
