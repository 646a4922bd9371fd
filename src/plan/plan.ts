import type { Image } from "../docker/image-reference.ts";
import { loopback } from "../docker/ports.ts";
import { type ClusterSpec, type PortName, portNames, type Role } from "../inputs/cluster-spec.ts";
import { nodesOf } from "../inputs/nodes.ts";
import { agentPorts } from "./agent-config.ts";
import { labelArguments, type Owner } from "./labels.ts";

/** What a plan needs to know of the place it is made for. */
export interface Prerequisites extends Owner {
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
  readonly prerequisites: Prerequisites;
  readonly network: string;
  /** The primary datacenter's first, in each the servers first. The first has the ports that the inputs name. */
  readonly agents: readonly AgentPlan[];
}

/** How many ports of the machine's choice the cluster takes at most. */
export function freePortsNeeded({ datacenters, ports }: ClusterSpec): number {
  const [, ...others] = nodesOf(datacenters);
  return others.length + Object.values(ports).filter((port) => port === 0).length;
}

/** Plans a cluster: same spec and prerequisites in, same plan out. */
export function planCluster(spec: ClusterSpec, prerequisites: Prerequisites): ClusterPlan {
  const free = prerequisites.freePorts.values();
  const agents = nodesOf(spec.datacenters).map((shape, index): AgentPlan => {
    const { node } = shape;
    const wanted: Partial<Record<PortName, number>> = index === 0 ? spec.ports : { http: 0 };
    const publications = prerequisites.isOnNetwork ? [] : publish(wanted, free);
    const container = `consul-${prerequisites.clusterId}-${node}`;
    const host = prerequisites.areNodeNamesTaken ? container : node;
    return { ...shape, container, host, publications };
  });
  return { spec, prerequisites, network: networkName(spec, prerequisites.clusterId), agents };
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

const ownNetwork = (clusterId: string) => `consul-${clusterId}`;

/** The network that a cluster's agents are on. */
export const networkName = (spec: ClusterSpec, clusterId: string) =>
  spec.network || ownNetwork(clusterId);
