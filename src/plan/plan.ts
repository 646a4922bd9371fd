import type { Image } from "../docker/image-reference.ts";
import { loopback } from "../docker/ports.ts";
import { agentPorts } from "../inputs/agent-defaults.ts";
import {
  type AgentsSpec,
  type ClusterSpec,
  type PortName,
  portNames,
} from "../inputs/cluster-spec.ts";
import { type NodeShape, nodesOf } from "../inputs/nodes.ts";
import type { Entrypoint } from "./entrypoint.ts";
import { labelArguments, type Owner } from "./labels.ts";
import { type AgentPlace, placeNodes, type SwarmPlace } from "./placement.ts";

/** An image that agents run, and what they do differently because of it. */
export interface AgentImage {
  /** The engine already has it. */
  readonly image: Image;
  /** What the image's entrypoint does. Undefined if nothing depends on it, or if it is not known. */
  readonly entrypoint?: Entrypoint;
  /** Whether `-dev` turns Connect on although it is off by default in the image's version. */
  readonly devTurnsConnectOn: boolean;
}

/** The image of a node that has its own. */
export interface NodeImage extends AgentImage {
  /** Version of Consul that it reports. */
  readonly version: string;
}

/**
 * What a plan needs to know about the runner and its Docker engine. The image is that of every node
 * without its own.
 */
export interface Prerequisites extends Owner, AgentImage {
  /** By node name. */
  readonly nodeImages: ReadonlyMap<string, NodeImage>;
  /** The existing network that the cluster joins. Undefined if it has one of its own. */
  readonly network?: string;
  /** Whether this process is on the cluster's network, for example in a container job. */
  readonly isOnNetwork: boolean;
  /** Whether another cluster on the same network already uses the node names. */
  readonly areNodeNamesTaken: boolean;
  /** The engines, if there are several. */
  readonly swarm?: SwarmPlace;
  /** Free ports on the loopback, at least as many as `freePortsNeeded` returns. */
  readonly freePorts: readonly number[];
}

/** One API of a node, published on the runner's loopback. */
export interface Publication {
  readonly name: PortName;
  readonly port: number;
  /** Whether the user chose this port. If not, any other will do. */
  readonly isFixed: boolean;
}

export interface AgentPlan extends NodeShape {
  readonly container: string;
  /** Host name inside the network. */
  readonly host: string;
  readonly publications: readonly Publication[];
  /** Undefined if all agents are on one engine. */
  readonly place?: AgentPlace;
}

/** Agents of a cluster, and all that their containers are made from. */
export interface AgentsPlan {
  readonly spec: AgentsSpec;
  readonly prerequisites: Prerequisites;
  readonly network: string;
  /**
   * The first datacenter's first, and servers before clients in each. The ports from the inputs
   * belong to the first agent.
   */
  readonly agents: readonly AgentPlan[];
  /** Whether agents know the engine's machine as host.docker.internal: not every engine can tell. */
  readonly knowsHost: boolean;
  /** Whether the servers form a new cluster. If not, they join one. */
  readonly isNew: boolean;
}

/** Every agent of a new cluster, with its names and ports. */
export interface ClusterPlan extends AgentsPlan {
  readonly spec: ClusterSpec;
}

/** The maximum number of free ports that the cluster needs, beside those that the inputs set. */
export function freePortsNeeded({ datacenters, ports }: ClusterSpec): number {
  const [, ...others] = nodesOf(datacenters);
  const unchosen = Object.values(ports).filter((port) => port === 0);
  return others.length * portNames.length + unchosen.length;
}

/** Plans a cluster. Pure: the same spec and prerequisites always give the same plan. */
export function planCluster(spec: ClusterSpec, prerequisites: Prerequisites): ClusterPlan {
  const free = prerequisites.freePorts.values();
  const nodes = nodesOf(spec.datacenters);
  const places = prerequisites.swarm ? placeNodes(nodes, prerequisites.swarm) : [];
  const agents = nodes.map((shape, index) => {
    const ports = index === 0 ? spec.ports : anyPorts;
    const place = places[index];
    return { ...planAgent(shape, prerequisites, free, ports), ...(place && { place }) };
  });
  const network = networkName(prerequisites.network, prerequisites.clusterId);
  return { spec, prerequisites, network, agents, knowsHost: true, isNew: true };
}

/**
 * Plans one agent.
 *
 * @param free - gives the ports that the user did not choose
 * @param ports - 0 means any free port
 */
export function planAgent(
  shape: NodeShape,
  prerequisites: Pick<Prerequisites, "clusterId" | "isOnNetwork" | "areNodeNamesTaken">,
  free: Iterator<number, undefined>,
  ports: ClusterSpec["ports"] = anyPorts,
): AgentPlan {
  const { clusterId, isOnNetwork, areNodeNamesTaken } = prerequisites;
  const container = containerName(clusterId, shape.node);
  const host = areNodeNamesTaken ? container : shape.node;
  return { ...shape, container, host, publications: isOnNetwork ? [] : publish(ports, free) };
}

/** The name of a node's container. */
export const containerName = (clusterId: string, node: string) => `consul-${clusterId}-${node}`;

/** Every agent but the first: the inputs choose ports for that one only. */
const anyPorts: ClusterSpec["ports"] = { http: 0, dns: 0, grpc: 0 };

function publish(ports: ClusterSpec["ports"], free: Iterator<number, undefined>): Publication[] {
  return portNames.map((name): Publication => {
    const port = ports[name];
    if (port > 0) return { name, port, isFixed: true };
    const chosen = free.next().value;
    if (chosen === undefined) throw new Error("fewer free ports than freePortsNeeded");
    return { name, port: chosen, isFixed: false };
  });
}

/** What an agent runs. */
export const imageOf = (
  { prerequisites }: AgentsPlan,
  { node }: Pick<AgentPlan, "node">,
): AgentImage => prerequisites.nodeImages.get(node) ?? prerequisites;

/** The user's environment variables for a node's agent. */
export function envOf(
  { env, nodes }: AgentsSpec,
  { node }: Pick<AgentPlan, "node">,
): AgentsSpec["env"] {
  const own = nodes.get(node)?.env ?? new Map<string, string>();
  return own.size === 0 ? env : new Map([...env, ...own]);
}

/**
 * The same agent with new ports, except those that the user chose.
 *
 * @param free - gives the ports; if it ends, the agent keeps the rest of its own
 */
export function withOtherPorts(agent: AgentPlan, free: Iterator<number, undefined>): AgentPlan {
  const publications = agent.publications.map((publication) => ({
    ...publication,
    port: publication.isFixed ? publication.port : (free.next().value ?? publication.port),
  }));
  return { ...agent, publications };
}

/**
 * The address at which this process and later steps reach an agent's API.
 *
 * @returns `host:port`: the published port or, if the job is on the cluster's network and nothing is
 *   published, the agent's host name and container port
 */
export function addressOf(agent: AgentPlan, name: PortName): string {
  const publication = agent.publications.find((each) => each.name === name);
  return publication ? `${loopback}:${publication.port}` : `${agent.host}:${agentPorts[name]}`;
}

/** A network of a swarm. */
export interface Overlay {
  /** Undefined if the swarm chooses it. */
  readonly subnet: string | undefined;
}

/** `docker network create` arguments for a cluster's own network. */
export function networkArguments(owner: Owner, overlay?: Overlay): string[] {
  const ofSwarm = ["--driver=overlay", "--attachable"];
  return [
    ...(overlay ? ofSwarm : []),
    ...(overlay?.subnet === undefined ? [] : [`--subnet=${overlay.subnet}`]),
    ...labelArguments(owner),
    ownNetwork(owner.clusterId),
  ];
}

const ownNetwork = (clusterId: string) => `consul-${clusterId}`;

/** The network of a cluster's agents. @param network - that it joins, if it does */
export const networkName = (network: string | undefined, clusterId: string) =>
  network ?? ownNetwork(clusterId);
