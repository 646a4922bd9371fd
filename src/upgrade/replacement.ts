import { dirname } from "node:path/posix";
import type { ContainerFacts, ImageDefaults } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { ActionError } from "../errors.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { clusterEndpoint, labelOf } from "../find/node-facts.ts";
import { connectOtherNetworks, userAliases } from "../find/other-networks.ts";
import { startAgain } from "../find/taken-ports.ts";
import { isSecuredCommand, securityFolder } from "../plan/agent-config.ts";
import { isPodman, labelNames } from "../plan/labels.ts";
import { type FileOwner, securityArchiveFor } from "../plan/security-files.ts";
import { type Around, endAgent } from "./end-agent.ts";
import type { UpgradeTarget } from "./step.ts";

/** What takes the place of an agent's container. */
export interface Replacement {
  /** Arguments of `docker create`. */
  readonly args: readonly string[];
  /** What the folder of the agent's secrets is to have, as a tar archive; undefined if there is none. */
  readonly files: Uint8Array | undefined;
  readonly isPodman: boolean;
}

/**
 * Finds out what is to take an agent's place. Changes nothing, and takes a while, so it can be done before the
 * agent's turn.
 *
 * @throws ActionError naming the node
 */
export function planReplacement(
  docker: Docker,
  agent: FoundAgent,
  { image, version }: UpgradeTarget,
): Promise<Replacement> {
  return naming(agent, async () => {
    const { container, facts, ip } = agent;
    const engine = await docker.at(container);
    const [defaults, onPodman, secrets] = await Promise.all([
      engine.imageDefaults(facts.Config.Image),
      isPodman(docker, labelOf(facts, labelNames.engineKind)),
      hasFiles(agent) ? engine.getArchive(container, securityFolder) : undefined,
    ]);
    // Docker gives the new container the lowest free address, which is the old one's.
    const own = clusterEndpoint(facts)?.IPAMConfig?.IPv4Address ?? (onPodman ? ip : "");
    const isOwnerUnknown = secrets !== undefined && !(await engine.namesOwners());
    const owner = isOwnerUnknown ? await ownerOf(engine, facts) : undefined;
    return {
      args: [
        ...(own === "" ? [] : [`--ip=${own}`]),
        ...replacementArguments(facts, defaults, image),
      ],
      files: secrets && securityArchiveFor(secrets, version, owner),
      isPodman: onPodman,
    };
  });
}

/** Whether it has files that are in no volume: its secrets, or what the first server keeps of the start. */
const hasFiles = ({ role, facts: { Config } }: FoundAgent) =>
  role === "server" || isSecuredCommand((Config.Cmd ?? []).join(" "));

/**
 * Replaces an agent's container.
 *
 * @param others - the other agents of its datacenter
 * @param signal - aborts when the step is canceled
 * @throws ActionError naming the node
 */
export function replace(
  docker: Docker,
  agent: FoundAgent,
  { args, files, isPodman }: Replacement,
  { others, signal }: Pick<Around, "others" | "signal">,
): Promise<void> {
  return naming(agent, async () => {
    await endAgent(agent, { docker, others, isPodman, signal });
    await docker.createContainer(args);
    if (files) await docker.putArchive(agent.container, files, dirname(securityFolder));
    await startAgain(docker, agent);
    await connectOtherNetworks(docker, agent.facts, isPodman);
  });
}

/** @throws ActionError naming the node, if the work fails with one */
async function naming<T>({ node }: FoundAgent, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    const message = `${node}: ${error.message}`;
    throw new ActionError(`${node} could not be replaced`, message, { cause: error });
  }
}

/** The user that an agent runs as, and that its secrets belong to. */
async function ownerOf(docker: Docker, { Config }: ContainerFacts): Promise<FileOwner> {
  const script = "id -u consul 2>/dev/null || id -u; id -g consul 2>/dev/null || id -g";
  const options = ["--network=none", "--entrypoint=sh", Config.Image, "-c", script];
  const [user, group] = (await docker.runToEnd(options)).split("\n");
  // The environment can tell the image's entrypoint which user to run the agent as.
  const given = (name: string) =>
    Config.Env?.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  return { uid: Number(given("CONSUL_UID") || user), gid: Number(given("CONSUL_GID") || group) };
}

/**
 * Arguments of `docker create` for a container that replaces another one: the same name, cluster
 * network, ports, hosts, labels, environment, command, and volumes, but another image. Pure.
 *
 * @param old - the container to replace
 * @param defaults - what the old container has from its image; the new one has its own image's
 * @param image - the new image
 */
export function replacementArguments(
  old: ContainerFacts,
  defaults: ImageDefaults,
  image: string,
): string[] {
  const { Name, Config, HostConfig, Mounts } = old;
  const labels = Object.entries(Config.Labels ?? {});
  const own = labels.filter(([name, value]) => defaults.labels[name] !== value);
  return [
    `--name=${Name}`,
    `--hostname=${Config.Hostname}`,
    `--network=${labelOf(old, labelNames.network)}`,
    ...userAliases(old, clusterEndpoint(old)).map((alias) => `--network-alias=${alias}`),
    ...(HostConfig.ExtraHosts ?? []).map((host) => `--add-host=${host}`),
    ...own.map(([name, value]) => `--label=${name}=${value}`),
    ...Mounts.flatMap(({ Type, Name: volume, Destination }) =>
      Type === "volume"
        ? [`--mount=${fields({ type: Type, source: volume, destination: Destination })}`]
        : [],
    ),
    ...Object.entries(HostConfig.PortBindings ?? {}).flatMap(([port, bindings]) =>
      bindings.map(({ HostIp, HostPort }) => `--publish=${HostIp}:${HostPort}:${port}`),
    ),
    ...(Config.Env ?? [])
      .filter((variable) => !defaults.env.includes(variable))
      .map((variable) => `--env=${variable}`),
    image,
    ...(Config.Cmd ?? []),
  ];
}

/** Comma-separated fields for `--mount`, quoted as in CSV. */
const fields = (values: Readonly<Record<string, string | undefined>>) =>
  Object.entries(values)
    .map(([name, value]) => `"${`${name}=${value}`.replaceAll('"', '""')}"`)
    .join(",");
