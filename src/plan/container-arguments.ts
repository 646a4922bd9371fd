import { loopback } from "../docker/ports.ts";
import { agentPorts, hostName, imageDataDirectory } from "../inputs/agent-defaults.ts";
import type { AgentsSpec, Datacenter } from "../inputs/cluster-spec.ts";
import { agentArguments, securedEnvironment } from "./agent-config.ts";
import { dataDirectory, environmentArguments } from "./entrypoint.ts";
import { labelArguments, labelNames, type Owner } from "./labels.ts";
import { type AgentPlan, type AgentsPlan, envOf, imageOf, type Publication } from "./plan.ts";
import { helperArguments, volumeArguments } from "./volumes.ts";

/** What keys are made for, and in which image. */
export interface KeyRequest {
  readonly owner: Owner;
  /** A reference. */
  readonly image: string;
  /** Undefined if certificates are not needed. */
  readonly tls: { readonly isMutual: boolean } | undefined;
  readonly agents: readonly Pick<AgentPlan, "role" | "node" | "container" | "datacenter">[];
}

/**
 * `docker run` arguments for the container that makes certificates with Consul's own tools. They stay in
 * its memory and out of the engine's logs.
 *
 * @param script - for `sh`; its arguments are whether to use TLS (`true`, `false`, or `mutual`),
 *   then each agent's role, node, container and datacenter
 */
export function keyMakerArguments(
  { owner, image, tls, agents }: KeyRequest,
  script: string,
): string[] {
  return [
    "--network=none",
    "--log-driver=none",
    // In memory, in every container, and any user may write there. The image's own is not root if the
    // tag ends in `-ubi`, and a `--tmpfs` that is the working directory is root's alone.
    "--workdir=/dev/shm",
    "--entrypoint=sh",
    ...helperArguments(owner),
    image,
    "-c",
    script,
    "keys",
    tls?.isMutual ? "mutual" : String(tls !== undefined),
    ...agents.flatMap(({ role, node, container, datacenter }) => [
      role,
      node,
      container,
      datacenter,
    ]),
  ];
}

/**
 * `docker run` arguments for a container that prints the user that an image runs Consul as.
 *
 * @param script - for `sh`
 */
export const userQuestionArguments = (
  { prerequisites }: AgentsPlan,
  image: string,
  script: string,
): string[] => [
  "--network=none",
  "--entrypoint=sh",
  ...helperArguments(prerequisites),
  image,
  "-c",
  script,
];

/** `docker run` arguments for a container that writes the image's Consul binary to its output. */
export function binaryRunArguments({ prerequisites }: AgentsPlan): string[] {
  return [
    "--rm",
    "--pull=never",
    "--network=none",
    "--log-driver=none",
    "--entrypoint=sh",
    ...helperArguments(prerequisites),
    prerequisites.image.reference,
    "-c",
    'exec cat "$(command -v consul)"',
  ];
}

/** `docker run` arguments for one agent, including its image and command. */
export function agentRunArguments(plan: AgentsPlan, agent: AgentPlan): string[] {
  const { spec, prerequisites, network } = plan;
  const { image, entrypoint, devTurnsConnectOn } = imageOf(plan, agent);
  const env = envOf(spec, agent);
  const datacenter = datacenterOf(plan, agent);
  return [
    `--name=${agent.container}`,
    // Engines resolve it like an alias: two clusters on a network must not share it.
    `--hostname=${agent.host}`,
    `--network=${network}`,
    `--network-alias=${agent.host}`,
    `--network-alias=${joinName(agent)}`,
    // The engine fills in the address.
    // On another engine it would be that one's machine, and not the runner's.
    ...(plan.knowsHost && agent.place?.isHere !== false
      ? [`--add-host=${hostName}:host-gateway`]
      : []),
    ...labelArguments(prerequisites),
    ...nodeLabelArguments(plan, agent),
    ...volumeArguments(prerequisites, dataDirectories(env)),
    ...(agent.place ? [`--ip=${agent.place.address}`] : []),
    ...(agent.place?.isHere === false ? [] : agent.publications.flatMap(publishArguments)),
    ...Object.entries(securedEnvironment(spec.security)).map(
      ([name, value]) => `--env=${name}=${value}`,
    ),
    ...environmentArguments(env, entrypoint),
    image.reference,
    ...agentArguments({
      role: agent.role,
      node: agent.node,
      datacenter: datacenter.name,
      primary: isJoined(spec, agent) ? agent.federation : "",
      servers: datacenter.servers,
      storage: datacenter.storage,
      devTurnsConnectOn,
      ...joins(plan, agent),
      logLevel: spec.logLevel,
      env,
      entrypoint,
      security: spec.security,
    }),
    ...configOf(spec, datacenter, agent).map((fragment) => `-hcl=${fragment}`),
    // Last, since what it overrides may be the user's, too.
    ...(agent.role === "server" && !plan.isNew ? [`-hcl=${joinsOnly}`] : []),
  ];
}

/** A server that expected others could elect itself before it joins them. */
const joinsOnly = JSON.stringify({ bootstrap_expect: 0 });

/** Labels by which later steps know a node, whatever its command line says. */
function nodeLabelArguments(plan: AgentsPlan, agent: AgentPlan): string[] {
  const [first] = plan.spec.datacenters;
  const { name, storage, dials } = datacenterOf(plan, agent);
  const nodeLabels = {
    [labelNames.node]: agent.node,
    [labelNames.role]: agent.role,
    [labelNames.datacenter]: name,
    ...(name === first.name && { [labelNames.primary]: "true" }),
    [labelNames.federation]: agent.federation,
    ...(dials.length > 0 && { [labelNames.dials]: dials.join() }),
    [labelNames.storage]: agent.role === "server" ? storage : "disk",
    [labelNames.network]: plan.network,
    ...(agent.publications.length > 0 && {
      [labelNames.ports]: agent.publications.map(({ port }) => port).join(),
    }),
    ...placeLabels(agent),
  };
  return Object.entries(nodeLabels).map(([label, value]) => `--label=${label}=${value}`);
}

function placeLabels({ place, publications }: AgentPlan): Record<string, string> {
  if (!place) return {};
  const ports = publications.map(({ name, port }) => `${name}=${port}`);
  return {
    [labelNames.engine]: place.engine,
    ...(!place.isHere && { [labelNames.forwarded]: ports.join(" ") }),
  };
}

/** An agent's datacenter. */
function datacenterOf({ spec }: AgentsPlan, { datacenter }: AgentPlan): Datacenter {
  return spec.datacenters.find(({ name }) => name === datacenter) ?? spec.datacenters[0];
}

/**
 * The name by which other agents join an agent: unique on the engine, so that it never reaches
 * another cluster on the same network. As an alias it exists in the cluster's network only. The
 * container's own name could resolve to an address in another network that it is connected to.
 */
const joinName = ({ container }: AgentPlan) => `${container}-gossip`;

/** Whether an agent's datacenter is joined with others over WAN. */
const isJoined = ({ datacenters }: AgentsSpec, agent: AgentPlan) =>
  datacenters.some(
    ({ name, federation }) => federation === agent.federation && name !== agent.datacenter,
  );

/** The servers that an agent joins. */
function joins({ agents }: AgentsPlan, agent: AgentPlan) {
  const servers = agents.filter(({ role, node }) => role === "server" && node !== agent.node);
  const local = servers.filter(({ datacenter }) => datacenter === agent.datacenter);
  const remote = servers.filter(
    ({ datacenter, federation }) =>
      datacenter !== agent.datacenter && federation === agent.federation,
  );
  const names = (list: readonly AgentPlan[]) => list.map(joinName);
  return { join: names(local), joinWan: agent.role === "server" ? names(remote) : [] };
}

/** The user's additions to an agent's configuration. Later fragments override earlier ones. */
function configOf(spec: AgentsSpec, datacenter: Datacenter, agent: AgentPlan) {
  const fragments = [...fileConfigOf(spec, datacenter, agent), spec.config];
  return fragments.filter((fragment) => fragment !== "");
}

/** An agent's configuration from a cluster file, the general first; each part may be empty. */
export const fileConfigOf = (
  { fileConfig, nodes }: Pick<AgentsSpec, "fileConfig" | "nodes">,
  datacenter: Pick<Datacenter, "config">,
  { node, role }: Pick<AgentPlan, "node" | "role">,
) => [fileConfig.all, datacenter.config, fileConfig[role], nodes.get(node)?.config ?? ""];

/** Directories that need a volume: the agent's data directory, and the image's. */
function dataDirectories(env: ReadonlyMap<string, string>): string[] {
  return [...new Set([imageDataDirectory, dataDirectory(env)])];
}

function publishArguments({ name, port }: Publication): string[] {
  const protocols = name === "dns" ? ["tcp", "udp"] : ["tcp"];
  return protocols.map(
    (protocol) => `--publish=${loopback}:${port}:${agentPorts[name]}/${protocol}`,
  );
}
