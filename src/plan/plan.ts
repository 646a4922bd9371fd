import type { Image } from "../docker/image-reference.ts";
import { type ClusterSpec, type Datacenter, type PortName, portNames } from "../inputs/inputs.ts";
import { nodesOf } from "../inputs/nodes.ts";
import { agentArguments, agentPorts, type Role, securedEnvironment } from "./agent-config.ts";

/** Whose an object on the engine is. */
export interface Owner {
  /** Tells this cluster from every other on the engine. */
  readonly clusterId: string;
  /** Labels of the job, besides the cluster's own. */
  readonly jobLabels: Readonly<Record<string, string>>;
}

/** What a plan needs to know of the place it is made for. */
export interface Site extends Owner {
  /** The image to start; the engine has it. */
  readonly image: Image;
  /** Whether this process is on the cluster's network, as in a job that runs in a container. */
  readonly isOnNetwork: boolean;
  /** Whether another cluster on the same network has the node names already. */
  readonly areNodeNamesTaken: boolean;
  /** Ports of the loopback that are free, as many as `freePortsNeeded` says. */
  readonly freePorts: readonly number[];
}

/** One API of a node, published on the runner's loopback. */
export interface Publication {
  readonly name: PortName;
  readonly port: number;
  /** Whether the user named this port. If not, any other would do as well. */
  readonly isFixed: boolean;
}

export interface AgentPlan {
  readonly node: string;
  readonly role: Role;
  readonly datacenter: string;
  readonly container: string;
  /** What it answers to inside the network. */
  readonly host: string;
  readonly publications: readonly Publication[];
}

/** Every agent of a cluster: its name, its ports and its place. */
export interface ClusterPlan {
  readonly spec: ClusterSpec;
  readonly site: Site;
  readonly network: string;
  /** The primary datacenter's first, in each the servers first. The first has the ports that the inputs name. */
  readonly agents: readonly AgentPlan[];
}

/** Everything is published here and nowhere else, so nothing is reachable beyond the machine. */
export const loopback = "127.0.0.1";

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

/** How many ports of the machine's choice the cluster takes at most. */
export function freePortsNeeded({ datacenters, ports }: ClusterSpec): number {
  const [, ...others] = nodesOf(datacenters);
  return others.length + Object.values(ports).filter((port) => port === 0).length;
}

/** Plans a cluster: same spec and site in, same plan out. */
export function planCluster(spec: ClusterSpec, site: Site): ClusterPlan {
  const free = site.freePorts.values();
  const agents = nodesOf(spec.datacenters).map((shape, index): AgentPlan => {
    const { node } = shape;
    const wanted: Partial<Record<PortName, number>> = index === 0 ? spec.ports : { http: 0 };
    const publications = site.isOnNetwork ? [] : publish(wanted, free);
    const container = `consul-${site.clusterId}-${node}`;
    const host = site.areNodeNamesTaken ? container : node;
    return { ...shape, container, host, publications };
  });
  return { spec, site, network: networkOf(spec, site.clusterId), agents };
}

function publish(
  wanted: Partial<Record<PortName, number>>,
  free: Iterator<number, undefined>,
): Publication[] {
  return portNames.flatMap((name): Publication[] => {
    const port = wanted[name];
    if (port === undefined) return [];
    if (port > 0) return [{ name, port, isFixed: true }];
    const chosen = free.next().value;
    if (chosen === undefined) throw new Error("a plan needs as many ports as freePortsNeeded says");
    return [{ name, port: chosen, isFixed: false }];
  });
}

/** The same agent on other ports, where the user named none of them. */
export function withOtherPorts(agent: AgentPlan, freePorts: readonly number[]): AgentPlan {
  const free = freePorts.values();
  const publications = agent.publications.map((publication) => ({
    ...publication,
    port: publication.isFixed ? publication.port : (free.next().value ?? publication.port),
  }));
  return { ...agent, publications };
}

/**
 * Where this process and the job's later steps reach an agent's API.
 *
 * @returns `host:port`: the published port or, where nothing is published because the job shares
 *   the cluster's network, the agent's host name and the agent's own port
 */
export function addressOf(agent: AgentPlan, name: PortName): string {
  const publication = agent.publications.find((each) => each.name === name);
  return publication ? `${loopback}:${publication.port}` : `${agent.host}:${agentPorts[name]}`;
}

/** Arguments of `docker network create` for a cluster's own network. */
export function networkArguments(owner: Owner): string[] {
  return [...labelArguments(owner), ownNetwork(owner.clusterId)];
}

/**
 * Arguments of `docker run` for the container that makes keys and certificates with Consul's own
 * tools. It keeps them in its memory and in no log of the engine.
 *
 * @param script - for `sh`; gets each agent's role, names and datacenter as arguments
 */
export function keyMakerArguments({ spec, site, agents }: ClusterPlan, script: string): string[] {
  return [
    "--network=none",
    "--log-driver=none",
    "--tmpfs=/keys",
    "--workdir=/keys",
    "--entrypoint=sh",
    ...labelArguments(site),
    site.image.reference,
    "-c",
    script,
    "keys",
    String(spec.security.tls),
    ...agents.flatMap(({ role, node, container, datacenter }) => [
      role,
      node,
      container,
      datacenter,
    ]),
  ];
}

/** Arguments of `docker run` for a container that writes the image's Consul to its output. */
export function binaryRunArguments({ site }: ClusterPlan): string[] {
  return [
    "--rm",
    "--pull=never",
    "--network=none",
    "--log-driver=none",
    "--entrypoint=sh",
    ...labelArguments(site),
    site.image.reference,
    "-c",
    'exec cat "$(command -v consul)"',
  ];
}

/** Arguments of `docker run` for one agent, its image and command included. */
export function agentRunArguments(plan: ClusterPlan, agent: AgentPlan): string[] {
  const { spec, site, network } = plan;
  const datacenter = datacenterOf(plan, agent);
  return [
    `--name=${agent.container}`,
    `--hostname=${agent.node}`,
    `--network=${network}`,
    `--network-alias=${agent.host}`,
    ...labelArguments(site),
    `--label=${labelNames.node}=${agent.node}`,
    `--label=${labelNames.role}=${agent.role}`,
    ...dataDirectories(spec.env).map((directory) => `--mount=${volume(site, directory)}`),
    ...agent.publications.flatMap(publishArguments),
    "--env=CONSUL_BIND_INTERFACE=eth0",
    ...Object.entries(securedEnvironment(spec.security)).map(
      ([name, value]) => `--env=${name}=${value}`,
    ),
    ...Array.from(spec.env, ([name, value]) => `--env=${name}=${value}`),
    site.image.reference,
    ...agentArguments({
      role: agent.role,
      node: agent.node,
      datacenter: datacenter.name,
      primary: spec.datacenters.length > 1 ? spec.datacenters[0].name : "",
      servers: datacenter.servers,
      storage: datacenter.storage,
      ...joins(plan, agent),
      logLevel: spec.logLevel,
      env: spec.env,
      security: spec.security,
    }),
    ...configOf(spec, datacenter, agent.role).map((fragment) => `-hcl=${fragment}`),
  ];
}

/** The datacenter that an agent is in. */
export function datacenterOf({ spec }: ClusterPlan, { datacenter }: AgentPlan): Datacenter {
  return spec.datacenters.find(({ name }) => name === datacenter) ?? spec.datacenters[0];
}

/**
 * Whom an agent joins. Container names are unique on the engine: joining by them never reaches
 * another cluster that shares the network.
 */
function joins({ agents }: ClusterPlan, agent: AgentPlan) {
  const servers = agents.filter(({ role, node }) => role === "server" && node !== agent.node);
  const there = servers.filter(({ datacenter }) => datacenter === agent.datacenter);
  const elsewhere = servers.filter(({ datacenter }) => datacenter !== agent.datacenter);
  const names = (list: readonly AgentPlan[]) => list.map(({ container }) => container);
  return { join: names(there), joinWan: agent.role === "server" ? names(elsewhere) : [] };
}

/** What the user adds to an agent's configuration. Of two fragments the later wins. */
function configOf({ fileConfig, config }: ClusterSpec, datacenter: Datacenter, role: Role) {
  const fragments = [fileConfig.all, datacenter.config, fileConfig[role], config];
  return fragments.filter((fragment) => fragment !== "");
}

function labels({ clusterId, jobLabels }: Owner): string[] {
  const job = Object.entries(jobLabels).map(([name, value]) => `${name}=${value}`);
  return [clusterLabel(clusterId), ...job];
}

/** Arguments of any docker command that creates something of a cluster's. */
export const labelArguments = (owner: Owner) => labels(owner).map((label) => `--label=${label}`);

const ownNetwork = (clusterId: string) => `consul-${clusterId}`;

/** The network that a cluster's agents are on. */
export const networkOf = (spec: ClusterSpec, clusterId: string) =>
  spec.network || ownNetwork(clusterId);

/** The image's own data directory, since it declares a volume there that would bear no label. */
export const imageDataDirectory = "/consul/data";

/** Where an agent keeps its data, and where its image would make a volume of its own. */
function dataDirectories(env: ReadonlyMap<string, string>): string[] {
  // The entrypoint takes an empty variable for none.
  return [...new Set([imageDataDirectory, env.get("CONSUL_DATA_DIR") || imageDataDirectory])];
}

/** A volume as `--mount` takes it: comma-separated values, quoted since labels may hold a comma. */
function volume(owner: Owner, directory: string): string {
  const fields = ["type=volume", `destination=${directory}`];
  return [...fields, ...labels(owner).map((label) => `volume-label=${label}`)]
    .map((field) => `"${field.replaceAll('"', '""')}"`)
    .join(",");
}

function publishArguments({ name, port }: Publication): string[] {
  const protocols = name === "dns" ? ["tcp", "udp"] : ["tcp"];
  return protocols.map(
    (protocol) => `--publish=${loopback}:${port}:${agentPorts[name]}/${protocol}`,
  );
}
