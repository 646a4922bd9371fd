/**
 * Networks that the user connected a node to, besides the cluster's (`docker network connect`).
 *
 * A node always starts on the cluster's network alone and is connected to the others afterwards:
 * the engine numbers the interfaces of a container that starts by the names of its networks, and
 * Consul binds to eth0.
 */
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { type Endpoint, otherEndpoints } from "./node-facts.ts";

/** Disconnects a stopped node from all networks except the cluster's. */
export async function disconnectOtherNetworks(
  docker: Docker,
  facts: ContainerFacts,
): Promise<void> {
  for (const [network] of otherEndpoints(facts))
    await docker.changeConnection("disconnect", [network, facts.Name]);
}

/**
 * Connects a node to all networks except the cluster's.
 *
 * @param facts - of the container as it was when it was connected to them
 * @param isPodman - whether the engine is podman
 */
export async function connectOtherNetworks(
  docker: Docker,
  facts: ContainerFacts,
  isPodman: boolean,
): Promise<void> {
  for (const args of connectArguments(facts, isPodman))
    await docker.changeConnection("connect", args);
}

/**
 * Arguments of `docker network connect` for each network except the cluster's: with the same
 * aliases and, if the user chose it, the same address. Podman does not say which addresses the user
 * chose, so all are kept there. Pure.
 */
export function connectArguments(facts: ContainerFacts, isPodman = false): string[][] {
  return otherEndpoints(facts).map(([network, endpoint]) => {
    const chosen = isPodman ? { IPv4Address: endpoint.IPAddress } : (endpoint.IPAMConfig ?? {});
    const { IPv4Address, IPv6Address }: NonNullable<Endpoint["IPAMConfig"]> = chosen;
    return [
      ...userAliases(facts, endpoint).map((alias) => `--alias=${alias}`),
      ...(IPv4Address ? [`--ip=${IPv4Address}`] : []),
      ...(IPv6Address ? [`--ip6=${IPv6Address}`] : []),
      network,
      facts.Name,
    ];
  });
}

/** A node's aliases, without those that the engine adds: the container's name and short ID. */
export const userAliases = ({ Id, Name }: ContainerFacts, endpoint: Endpoint | undefined) =>
  (endpoint?.Aliases ?? []).filter((alias) => alias !== Name && !Id.startsWith(alias));
