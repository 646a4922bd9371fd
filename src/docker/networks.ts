/** An engine's networks. */
import {
  type NetworkMember,
  networkFacts,
  parseAnswer,
  parseNetworkMembers,
  servicesAnswer,
} from "./answers.ts";
import type { Cli } from "./cli.ts";
import { DockerError, type DockerFailure } from "./docker-error.ts";
import { inspectContainers } from "./inspect.ts";

/** @returns the containers on a network, or undefined if there is no such network */
export async function membersOf(cli: Cli, network: string): Promise<NetworkMember[] | undefined> {
  const answer = await cli.unlessMissing(cli.run(["network", "inspect", network]));
  return answer === undefined ? undefined : parseNetworkMembers(answer);
}

const inUse: readonly DockerFailure[] = ["network-in-use", "swarm-network-in-use"];

/** Removes a network. Containers that others attached to it are detached first. */
export async function removeNetwork(cli: Cli, name: string): Promise<void> {
  try {
    await cli.unlessMissing(cli.run(["network", "rm", name]));
  } catch (error) {
    if (!(error instanceof DockerError) || !inUse.includes(error.failure)) throw error;
    // Podman counts stopped containers, which are no members.
    const members = (await membersOf(cli, name)) ?? [];
    const listing = ["ps", "--all", "--format={{.Names}}"];
    const attached = await cli.list(listing, [`network=${name}`]);
    const names = new Set([...members.map((each) => each.name), ...attached]);
    await Promise.all(
      // A swarm's network also has endpoints that are no containers.
      [...names].map((each) =>
        cli.unlessMissing(cli.run(["network", "disconnect", "--force", name, each])),
      ),
    );
    await cli.run(["network", "rm", name]);
  }
}

/** What a network is, and its IPv4 addresses. */
export interface NetworkFacts {
  /** Whether containers on all engines of a swarm may join it. */
  readonly isAttachableOverlay: boolean;
  /** `10.0.1.0/24`. Undefined if it has none. */
  readonly subnet: string | undefined;
  /** Addresses in it that no container gets: the gateway's, and those that the user reserved. */
  readonly reserved: readonly string[];
}

/** @returns undefined if there is no such network */
export async function factsOfNetwork(cli: Cli, network: string): Promise<NetworkFacts | undefined> {
  const format =
    '{"Driver":{{json .Driver}},"Attachable":{{json .Attachable}},"Ranges":{{json .IPAM.Config}}}';
  const inspect = ["network", "inspect", `--format=${format}`, network];
  const answer = await cli.unlessMissing(cli.run(inspect));
  if (answer === undefined) return undefined;
  const { Driver, Attachable, Ranges } = parseAnswer(networkFacts, "network inspect", answer);
  const range = Ranges?.find(({ Subnet }) => !Subnet.includes(":"));
  const reserved = [range?.Gateway ?? "", ...Object.values(range?.AuxiliaryAddresses ?? {})];
  return {
    isAttachableOverlay: Driver === "overlay" && Attachable,
    subnet: range?.Subnet,
    reserved: reserved.filter((address) => address !== ""),
  };
}

/**
 * The addresses of an overlay network that this engine knows to be in use: those of its own containers, of
 * stopped ones that have a fixed address, and of tasks on other nodes of the swarm.
 */
export async function takenIn(cli: Cli, network: string): Promise<string[]> {
  const inspect = ["network", "inspect", "--verbose", network];
  const [answer, containers] = await Promise.all([
    cli.unlessMissing(cli.run(inspect)),
    cli.list(["ps", "--all", "--format={{.Names}}"], [`network=${network}`]),
  ]);
  const facts = await inspectContainers(cli, containers);
  const fixed = facts.flatMap(
    ({ NetworkSettings: { Networks } }) => Networks[network]?.IPAMConfig?.IPv4Address ?? [],
  );
  // A worker does not know a network on which it has no container.
  if (answer === undefined) return fixed;
  const [{ Services }] = parseAnswer(servicesAnswer, "network inspect", answer);
  const services = Object.values(Services ?? {});
  return [
    ...fixed,
    ...parseNetworkMembers(answer).map(({ ip }) => ip),
    ...services.flatMap(({ VIP, Tasks }) => [VIP, ...Tasks.map((task) => task.EndpointIP)]),
  ];
}

/** The IPv4 subnets of all networks that an engine knows. */
export async function subnetsOfAll(cli: Cli): Promise<string[]> {
  const ids = await cli.list(["network", "ls", "--format={{.ID}}"], []);
  const format = "--format={{range .IPAM.Config}}{{println .Subnet}}{{end}}";
  const lines = await cli.list(["network", "inspect", format, ...ids], []);
  return lines.filter((subnet) => subnet.includes(".") && !subnet.includes(":"));
}
