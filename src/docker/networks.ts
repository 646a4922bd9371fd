/** An engine's networks. */
import { type NetworkMember, parseNetworkMembers } from "./answers.ts";
import type { Cli } from "./cli.ts";
import { DockerError, type DockerFailure } from "./docker-error.ts";

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

/** @returns the IPv4 subnets of a network: `10.0.1.0/24` */
export async function subnetsOf(cli: Cli, network: string): Promise<string[]> {
  const format = "--format={{range .IPAM.Config}}{{println .Subnet}}{{end}}";
  const lines = await cli.list(["network", "inspect", format, network], []);
  return lines.filter((subnet) => !subnet.includes(":"));
}

/** A network's driver, and whether containers may join it: `overlay true`; undefined if there is none. */
export async function kindOfNetwork(cli: Cli, network: string): Promise<string | undefined> {
  const format = "--format={{.Driver}} {{.Attachable}}";
  const asked = cli.run(["network", "inspect", format, network]);
  return (await cli.unlessMissing(asked))?.trim();
}
