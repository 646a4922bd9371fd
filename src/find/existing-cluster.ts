import { hostname } from "node:os";
import { parseTar } from "nanotar";
import type { Credentials } from "../consul/http.ts";
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { ActionError, InputError } from "../errors.ts";
import { portNames, type Role } from "../inputs/cluster-spec.ts";
import { agentPorts, securityFolder } from "../plan/agent-config.ts";
import { anyClusterFilter, clusterFilter, jobLabels, labelNames } from "../plan/labels.ts";
import { type AgentPlan, addressOf, type Publication } from "../plan/plan.ts";
import { type AgentClient, clientFor } from "../ready/agents.ts";
import { isIsolated } from "./isolation-mark.ts";
import { lastAddresses } from "./last-addresses.ts";

/** How a node is: `isolated` runs, but is cut off from every other agent; `stopped` may be started. */
export type NodeState = "running" | "isolated" | "paused" | "stopped";

/** An agent of a cluster that an earlier step started. */
export interface FoundAgent extends AgentPlan, AgentClient {
  readonly state: NodeState;
  /** In the cluster's network; empty while it is stopped. */
  readonly ip: string;
  /** All that the engine tells of its container. */
  readonly facts: ContainerFacts;
  /** URL of the node's own HTTP API. */
  readonly http: string;
}

export interface FoundCluster {
  readonly clusterId: string;
  readonly network: string;
  readonly credentials: Credentials;
  /** The primary datacenter's first, in each the servers first, each role by number. */
  readonly agents: readonly FoundAgent[];
  /** Each node's address in the cluster's network by its name; of a stopped one the last. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** Whether an agent can do its part in the cluster. */
export const isUp = ({ state }: FoundAgent) => state === "running";

/**
 * Finds a cluster again by the labels on the engine alone.
 *
 * @param wanted - a cluster id; empty for the only one that this job has
 * @param env - the runner's environment, which tells the job
 * @throws InputError where there is none, or several and none is named
 */
export async function findCluster(
  docker: Docker,
  wanted: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<FoundCluster> {
  const scope = wanted === "" ? ofJob(env) : [clusterFilter(wanted)];
  const names = await docker.containers(anyClusterFilter, `label=${labelNames.node}`, ...scope);
  const facts = await docker.inspectContainers(names);
  const ids = [...new Set(facts.map((each) => label(each, labelNames.cluster)))];
  const [clusterId] = ids;
  if (clusterId === undefined) throw notFound(wanted);
  if (ids.length > 1) throw several(ids);
  const [credentials, volumes] = await Promise.all([
    readCredentials(docker, facts),
    docker.volumes(clusterFilter(clusterId)),
  ]);
  const agents = foundAgents(facts, credentials, volumes);
  const addresses = await lastAddresses(docker, agents, agents.filter(isUp));
  return { clusterId, network: clusterNetwork(facts), credentials, agents, addresses };
}

/** The same cluster as it is now. */
export async function lookAgain(docker: Docker, cluster: FoundCluster): Promise<FoundCluster> {
  const names = cluster.agents.map(({ container }) => container);
  const [facts, volumes] = await Promise.all([
    docker.inspectContainers(names),
    docker.volumes(clusterFilter(cluster.clusterId)),
  ]);
  return { ...cluster, agents: foundAgents(facts, cluster.credentials, volumes) };
}

const ofJob = (env: Readonly<Record<string, string | undefined>>) =>
  [labelNames.run, labelNames.job, labelNames.runner].map(
    (name) => `label=${name}=${jobLabels(env, hostname())[name]}`,
  );

function notFound(wanted: string): InputError {
  const message =
    wanted === ""
      ? "This job has no cluster: start one with the main action in an earlier step, or name another job's by `cluster`."
      : `Input \`cluster\` is "${wanted}", but the engine has no such cluster. Use the output \`cluster-id\` of the step that started it, or leave it out where the job has one cluster.`;
  return new InputError([{ input: "cluster", message }]);
}

function several(ids: readonly string[]): InputError {
  const message = `This job has ${ids.length} clusters (${ids.join(", ")}): say which by \`cluster\`, with the output \`cluster-id\` of the step that started it.`;
  return new InputError([{ input: "cluster", message }]);
}

const label = ({ Config }: ContainerFacts, name: string) => Config.Labels?.[name] ?? "";

/** Every server has what it takes to talk with the cluster. */
export async function readCredentials(
  docker: Docker,
  facts: readonly ContainerFacts[],
): Promise<Credentials> {
  const server = facts.find((each) => label(each, labelNames.role) === "server");
  return server ? credentialsIn(docker, server.Name) : { scheme: "http" };
}

function foundAgents(
  facts: readonly ContainerFacts[],
  credentials: Credentials,
  volumes: readonly string[],
): FoundAgent[] {
  const agents = facts.map((each) => {
    return { ...agentIn(each, credentials), state: stateOf(each, volumes) };
  });
  return agents.sort((a, b) => byPrimary(a, b) || byRoleAndNumber(a, b));
}

/** The agent in a container, as its labels and settings tell of it. */
export function agentIn(facts: ContainerFacts, credentials: Credentials) {
  const node = label(facts, labelNames.node);
  const role: Role = label(facts, labelNames.role) === "server" ? "server" : "client";
  const [network] = Object.values(facts.NetworkSettings.Networks);
  const plan: AgentPlan = {
    node,
    role,
    datacenter: flagOf(facts, "-datacenter="),
    container: facts.Name,
    // A cluster that shares a network with another answers to its container names only.
    host: network?.Aliases?.includes(node) ? node : facts.Name,
    publications: publicationsOf(facts),
  };
  return {
    ...plan,
    ...clientFor(plan, credentials),
    http: `${credentials.scheme}://${addressOf(plan, "http")}`,
    ip: network?.IPAddress ?? "",
    facts,
  };
}

function publicationsOf({ HostConfig }: ContainerFacts): Publication[] {
  return portNames.flatMap((name) => {
    const [binding] = HostConfig.PortBindings?.[`${agentPorts[name]}/tcp`] ?? [];
    return binding ? [{ name, port: Number(binding.HostPort), isFixed: true }] : [];
  });
}

function stateOf(facts: ContainerFacts, volumes: readonly string[]): NodeState {
  if (!facts.State.Running) return "stopped";
  if (facts.State.Paused) return "paused";
  return isIsolated(facts, volumes) ? "isolated" : "running";
}

const flagOf = ({ Config }: ContainerFacts, flag: string) =>
  (Config.Cmd ?? []).find((argument) => argument.startsWith(flag))?.slice(flag.length) ?? "";

function clusterNetwork(facts: readonly ContainerFacts[]): string {
  const [name] = facts.flatMap(({ NetworkSettings }) => Object.keys(NetworkSettings.Networks));
  if (name === undefined)
    throw new ActionError("No network", "None of the cluster's containers is on a docker network.");
  return name;
}

function byPrimary(a: FoundAgent, b: FoundAgent): number {
  const isPrimary = ({ datacenter, facts }: FoundAgent) => datacenter === primaryOf(facts);
  return Number(isPrimary(b)) - Number(isPrimary(a)) || compareNames(a.datacenter, b.datacenter);
}

function byRoleAndNumber(a: FoundAgent, b: FoundAgent): number {
  if (a.role !== b.role) return a.role === "server" ? -1 : 1;
  return compareNames(a.node, b.node);
}

const compareNames = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });

/** The datacenter that an agent was told is the primary one; undefined where there is only one. */
function primaryOf({ Config }: ContainerFacts): string | undefined {
  return /"primary_datacenter":"([^"]*)"/.exec((Config.Cmd ?? []).join("\n"))?.[1];
}

/**
 * What it takes to talk with a cluster that another step started, found in one of its servers'
 * containers. Nobody else keeps it: whoever may use the engine may read it there.
 *
 * @param container - of any server of the cluster, running or not
 */
export async function credentialsIn(docker: Docker, container: string): Promise<Credentials> {
  const archive = await docker.getArchive(container, securityFolder);
  const files = archive ? parseTar(archive) : [];
  const textOf = (name: string) => files.find((file) => file.name.endsWith(`/${name}`))?.text;
  const ca = textOf("ca.pem");
  const token = textOf("token");
  return { scheme: ca ? "https" : "http", ...(ca && { ca }), ...(token && { token }) };
}
