import { dirname } from "node:path/posix";
import type { ContainerFacts, ImageDefaults } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { ActionError } from "../errors.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { securityFolder } from "../plan/agent-config.ts";
import { securityArchiveFor } from "../plan/security-files.ts";

/** A server that is told to end does not leave: it stays in raft, so that it can come back. */
export async function replace(
  docker: Docker,
  { node, container, facts }: FoundAgent,
  image: string,
  version: string,
) {
  try {
    const defaults = await docker.imageDefaults(facts.Config.Image);
    // The secrets of a secured agent are in no volume.
    const secrets = await docker.getArchive(container, securityFolder);
    const rewritten = secrets && securityArchiveFor(secrets, version);
    await docker.change("stop", [container]);
    await docker.removeButKeepVolumes(container);
    await docker.createContainer(replacementArguments(facts, defaults, image));
    if (rewritten) await docker.putArchive(container, rewritten, dirname(securityFolder));
    await docker.startContainer(container);
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    throw new ActionError(`${node} could not be replaced`, `${node}: ${error.message}`, {
      cause: error,
    });
  }
}

/**
 * Arguments of `docker run` for a container that takes another's place: the same name, network,
 * ports, labels, environment, command and volumes, of another image. Pure.
 *
 * @param old - the container to replace
 * @param defaults - what the old one has from its image, which the new one gets from its own
 * @param image - the new image
 */
export function replacementArguments(
  { Id, Name, Config, HostConfig, Mounts, NetworkSettings }: ContainerFacts,
  defaults: ImageDefaults,
  image: string,
): string[] {
  const networks = Object.entries(NetworkSettings.Networks).slice(0, 1);
  const labels = Object.entries(Config.Labels ?? {});
  const own = labels.filter(([name, value]) => defaults.labels[name] !== value);
  return [
    `--name=${Name}`,
    `--hostname=${Config.Hostname}`,
    ...networks.map(([network]) => `--network=${network}`),
    ...networks.flatMap(([, { Aliases }]) =>
      // The engine adds the container's name and its short id by itself.
      (Aliases ?? [])
        .filter((alias) => alias !== Name && !Id.startsWith(alias))
        .map((alias) => `--network-alias=${alias}`),
    ),
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

/** Comma-separated fields as `--mount` takes them, quoted as in CSV. */
const fields = (values: Readonly<Record<string, string | undefined>>) =>
  Object.entries(values)
    .map(([name, value]) => `"${`${name}=${value}`.replaceAll('"', '""')}"`)
    .join(",");
