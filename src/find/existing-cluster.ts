import type { Credentials } from "../consul/http.ts";
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import type { Engine } from "../docker/engine.ts";
import type { Engines } from "../docker/engines.ts";
import { ActionError, InputError } from "../errors.ts";
import { agentPorts } from "../inputs/agent-defaults.ts";
import { portNames, type Role, type Storage } from "../inputs/cluster-spec.ts";
import { isSecuredCommand, securityFolder } from "../plan/agent-config.ts";
import { clusterFilter, labelNames } from "../plan/labels.ts";
import { type AgentPlan, addressOf, type Publication } from "../plan/plan.ts";
import { secretTexts } from "../plan/security-files.ts";
import { type AgentClient, clientFor } from "../ready/agents.ts";
import { severalEngines } from "./across-engines.ts";
import { startForwarders } from "./forwarder.ts";
import { lastAddresses } from "./last-addresses.ts";
import { type NetworkState, networkStateOf } from "./network-mark.ts";
import { type ListedNode, listedNodes } from "./node-containers.ts";
import { clusterEndpoint, labelOf } from "./node-facts.ts";

/**
 * A node's state. `isolated`: it runs, but is cut off from all other agents. `partitioned`: it runs, but
 * is cut off from the agents of other sides. `impaired`: it runs, and its network is slow or loses
 * packets.
 */
export type NodeState = "running" | NetworkState | "paused" | "stopped";

/** An agent of a cluster that an earlier step started. */
export interface FoundAgent extends AgentPlan, AgentClient {
  readonly state: NodeState;
  readonly storage: Storage;
  /** Address in the cluster's network; empty while the node is stopped. */
  readonly ip: string;
  /** Docker context of its engine, if the cluster has several; empty otherwise. */
  readonly engine: string;
  /** Everything the engine reports about the container. */
  readonly facts: ContainerFacts;
  /** URL of the node's own HTTP API. */
  readonly http: string;
  /** Names of the datacenters that its own dials as a peer. */
  readonly dials: readonly string[];
}

/** A cluster that an earlier step started. */
export interface FoundCluster {
  readonly clusterId: string;
  /** Name or ID of the cluster's docker network. */
  readonly network: string;
  readonly credentials: Credentials;
  /** The first datacenter first, then other primaries, then those joined with one; in each datacenter servers first, each role by number. */
  readonly agents: readonly FoundAgent[];
  /** Each node's address in the cluster's network, by node name. For a stopped node, its last. */
  readonly addresses: ReadonlyMap<string, string>;
  /** If it is on several. */
  readonly engines?: Engines;
}

/** Whether an agent runs and can be reached by other agents; in a partition, by those of its side. */
export const isUp = ({ state }: FoundAgent) =>
  state === "running" || state === "partitioned" || state === "impaired";

/**
 * Finds a cluster by its labels, on all engines that it has. The job's own has its first server.
 *
 * @param engine - the job's own
 * @param wanted - a cluster ID; empty for the job's only cluster
 * @param env - the runner's environment, which identifies the job
 * @throws InputError if there is no such cluster, or if the job has several and none is named
 * @throws ActionError if one of its engines does not answer
 */
export async function findCluster(
  engine: Engine,
  wanted: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<FoundCluster> {
  const here = await listedNodes(engine, wanted, env);
  const ids = [...new Set(here.map((each) => each.clusterId))];
  const [clusterId] = ids;
  if (clusterId === undefined) throw notFound(wanted);
  if (ids.length > 1) throw several(ids);
  const engines = await severalEngines(engine, here[0]?.engines ?? []);
  const docker = engines ?? engine;
  const listed = engines ? await listedNodes(engines, clusterId, env) : here;
  const [facts, credentials, volumes] = await Promise.all([
    docker.inspectContainers(listed.map(({ container }) => container)),
    listedCredentials(docker, listed),
    docker.volumes(clusterFilter(clusterId)),
  ]);
  const agents = foundAgents(facts, credentials, volumes);
  await startForwarders(docker, clusterId, agents);
  const addresses = await lastAddresses(docker, agents, agents.filter(isUp));
  const found = { clusterId, network: networkLabel(facts), credentials, agents, addresses };
  return { ...found, ...(engines && { engines }) };
}

/**
 * The same cluster in its current state.
 *
 * @param containers - those of its nodes, if nodes came or went
 */
export async function lookAgain(
  docker: Docker,
  cluster: FoundCluster,
  containers = cluster.agents.map(({ container }) => container),
): Promise<FoundCluster> {
  const [facts, volumes] = await Promise.all([
    docker.inspectContainers(containers),
    docker.volumes(clusterFilter(cluster.clusterId)),
  ]);
  const agents = foundAgents(facts, cluster.credentials, volumes);
  const now = agents.filter(({ ip }) => ip !== "").map(({ node, ip }) => [node, ip] as const);
  return { ...cluster, agents, addresses: new Map([...cluster.addresses, ...now]) };
}

function notFound(wanted: string): InputError {
  const message =
    wanted === ""
      ? "This job has no cluster. Start one with the main action in an earlier step, or set `cluster` to the ID of another job's cluster."
      : `Input \`cluster\` is "${wanted}", but the engine has no such cluster. Use the \`cluster-id\` output of the step that started it. If the job has only one cluster, leave \`cluster\` empty.`;
  return new InputError([{ input: "cluster", message }]);
}

/** The error for a job with several clusters, of which the step names none. */
export function several(ids: readonly string[]): InputError {
  const message = `This job has ${ids.length} clusters (${ids.join(", ")}). Set \`cluster\` to the \`cluster-id\` output of the step that started the one you mean.`;
  return new InputError([{ input: "cluster", message }]);
}

/** @returns credentials for a cluster's API; every server has them */
export async function readCredentials(
  docker: Docker,
  facts: readonly ContainerFacts[],
): Promise<Credentials> {
  const server = facts.find((each) => labelOf(each, labelNames.role) === "server");
  return server ? credentialsIn(docker, server.Name) : { scheme: "http" };
}

/**
 * The same from a listing, which also tells whether there is anything to read. An engine that lists no
 * commands tells nothing.
 */
async function listedCredentials(
  docker: Docker,
  listed: readonly ListedNode[],
): Promise<Credentials> {
  const server = listed.find(({ role }) => role === "server");
  const isOpen =
    server === undefined || (server.command !== "" && !isSecuredCommand(server.command));
  return isOpen ? { scheme: "http" } : credentialsIn(docker, server.container);
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

/** The agent in a container, read from the container's labels and settings. */
export function agentIn(facts: ContainerFacts, credentials: Credentials) {
  const node = labelOf(facts, labelNames.node);
  const role: Role = labelOf(facts, labelNames.role) === "server" ? "server" : "client";
  const storage: Storage = labelOf(facts, labelNames.storage) === "memory" ? "memory" : "disk";
  const endpoint = clusterEndpoint(facts);
  const aliases = endpoint?.Aliases ?? [];
  const plan: AgentPlan = {
    node,
    role,
    datacenter: labelOf(facts, labelNames.datacenter),
    federation: labelOf(facts, labelNames.federation),
    container: facts.Name,
    // If a cluster shares its network with another one, its nodes are aliased to the names of
    // their containers. Podman lists the host name, which is the node's, as an alias, too.
    host: aliases.includes(node) && !aliases.includes(facts.Name) ? node : facts.Name,
    publications: publicationsOf(facts),
  };
  return {
    ...plan,
    ...clientFor(plan, credentials),
    storage,
    http: `${credentials.scheme}://${addressOf(plan, "http")}`,
    ip: endpoint?.IPAddress ?? "",
    engine: labelOf(facts, labelNames.engine),
    dials: labelOf(facts, labelNames.dials)
      .split(",")
      .filter((name) => name !== ""),
    facts,
  };
}

function publicationsOf(facts: ContainerFacts): Publication[] {
  const { HostConfig } = facts;
  const forwarded = labelOf(facts, labelNames.forwarded);
  if (forwarded !== "")
    return portNames.flatMap((name) => {
      const port = new RegExp(`\\b${name}=(\\d+)`).exec(forwarded)?.[1];
      return port === undefined ? [] : [{ name, port: Number(port), isFixed: true }];
    });
  return portNames.flatMap((name) => {
    const [binding] = HostConfig.PortBindings?.[`${agentPorts[name]}/tcp`] ?? [];
    return binding ? [{ name, port: Number(binding.HostPort), isFixed: true }] : [];
  });
}

function stateOf(facts: ContainerFacts, volumes: readonly string[]): NodeState {
  if (!facts.State.Running) return "stopped";
  if (facts.State.Paused) return "paused";
  return networkStateOf(facts, volumes) ?? "running";
}

function networkLabel(facts: readonly ContainerFacts[]): string {
  const [name = ""] = facts.map((each) => labelOf(each, labelNames.network));
  if (name !== "") return name;
  throw new ActionError(
    "Unknown network",
    `The cluster's containers have no label \`${labelNames.network}\`: another version of this action started them. Use the same version in all steps.`,
  );
}

function byPrimary(a: FoundAgent, b: FoundAgent): number {
  const rank = ({ facts, datacenter, federation }: FoundAgent) => {
    if (labelOf(facts, labelNames.primary) !== "") return 0;
    return datacenter === federation ? 1 : 2;
  };
  return rank(a) - rank(b) || compareNames(a.datacenter, b.datacenter);
}

function byRoleAndNumber(a: FoundAgent, b: FoundAgent): number {
  if (a.role !== b.role) return a.role === "server" ? -1 : 1;
  return compareNames(a.node, b.node);
}

const compareNames = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });

/**
 * Reads a cluster's credentials from the container of one of its servers. They are stored nowhere
 * else. Anyone who may use the engine can read them there.
 *
 * @param container - a server's container, running or not
 */
export async function credentialsIn(docker: Docker, container: string): Promise<Credentials> {
  const archive = await docker.getArchive(container, securityFolder);
  const textOf = secretTexts(archive);
  const ca = textOf("ca.pem");
  const token = textOf("token");
  const [certificate, key] = [textOf("client-cert.pem"), textOf("client-key.pem")];
  return {
    scheme: ca ? "https" : "http",
    ...(ca && { ca }),
    ...(certificate && key && { client: { certificate, key } }),
    ...(token && { token }),
  };
}
