/** An engine's networks. */
import { type NetworkMember, parseNetworkMembers } from "./answers.ts";
import type { Cli } from "./cli.ts";
import { DockerError } from "./docker-error.ts";

/** @returns the containers on a network, or undefined if there is no such network */
export async function membersOf(cli: Cli, network: string): Promise<NetworkMember[] | undefined> {
  const answer = await cli.unlessMissing(cli.run(["network", "inspect", network]));
  return answer === undefined ? undefined : parseNetworkMembers(answer);
}

/** Removes a network. Containers that others attached to it are detached first. */
export async function removeNetwork(cli: Cli, name: string): Promise<void> {
  try {
    await cli.unlessMissing(cli.run(["network", "rm", name]));
  } catch (error) {
    if (!(error instanceof DockerError) || error.failure !== "network-in-use") throw error;
    // Podman counts stopped containers, which are no members.
    const members = (await membersOf(cli, name)) ?? [];
    const listing = ["ps", "--all", "--format={{.Names}}"];
    const attached = await cli.list(listing, [`network=${name}`]);
    const names = new Set([...members.map((each) => each.name), ...attached]);
    await Promise.all(
      [...names].map((each) => cli.run(["network", "disconnect", "--force", name, each])),
    );
    await cli.run(["network", "rm", name]);
  }
}
