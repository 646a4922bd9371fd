import { dirname } from "node:path/posix";
import type { ContainerFacts, ImageDefaults } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { ActionError } from "../errors.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { clusterEndpoint, labelOf } from "../find/node-facts.ts";
import { connectOtherNetworks, userAliases } from "../find/other-networks.ts";
import { startAgain } from "../find/taken-ports.ts";
import { securityFolder } from "../plan/agent-config.ts";
import { isPodman, labelNames } from "../plan/labels.ts";
import { type FileOwner, securityArchiveFor } from "../plan/security-files.ts";
import type { UpgradeTarget } from "./step.ts";

/**
 * Replaces an agent's container. A server that is stopped this way doesn't leave: it stays in Raft,
 * so that the new one can take its place.
 *
 * @throws ActionError naming the node
 */
export async function replace(
  docker: Docker,
  agent: FoundAgent,
  { image, version }: UpgradeTarget,
): Promise<void> {
  const { node, container, facts } = agent;
  try {
    const engine = await docker.at(container);
    const [defaults, onPodman, secrets] = await Promise.all([
      engine.imageDefaults(facts.Config.Image),
      isPodman(docker, labelOf(facts, labelNames.engineKind)),
      // A secured agent's secrets are not in a volume.
      engine.getArchive(container, securityFolder),
    ]);
    // Docker gives the new container the lowest free address, which is the old one's.
    const own = clusterEndpoint(facts)?.IPAMConfig?.IPv4Address ?? (onPodman ? agent.ip : "");
    const ip = own === "" ? [] : [`--ip=${own}`];
    const isOwnerUnknown = secrets !== undefined && !(await engine.namesOwners());
    const owner = isOwnerUnknown ? await ownerOf(engine, facts) : undefined;
    const rewritten = secrets && securityArchiveFor(secrets, version, owner);
    await docker.change("stop", [container]);
    await docker.removeButKeepVolumes(container);
    await docker.createContainer([...ip, ...replacementArguments(facts, defaults, image)]);
    if (rewritten) await docker.putArchive(container, rewritten, dirname(securityFolder));
    await startAgain(docker, agent);
    await connectOtherNetworks(docker, facts, onPodman);
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    throw new ActionError(`${node} could not be replaced`, `${node}: ${error.message}`, {
      cause: error,
    });
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
