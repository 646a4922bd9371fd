/** The network of a cluster on several engines: an attachable overlay network. */
import type { ContainerFacts } from "../docker/answers.ts";
import type { Engines } from "../docker/engines.ts";
import { ActionError, type Problem } from "../errors.ts";
import type { ClusterSpec, Security } from "../inputs/cluster-spec.ts";
import type { SwarmPlace } from "../plan/placement.ts";
import { type NetworkChoice, newNetwork } from "./network.ts";

/**
 * Chooses the network of a cluster on several engines: the user's, or a new one.
 *
 * @param container - the container that this step runs in, if the engine knows it
 * @returns what is wrong with the user's network, if something is
 * @throws ActionError in a job container, which would not reach the agents
 */
export async function chooseSwarmNetwork(
  engines: Engines,
  { network }: Pick<ClusterSpec, "network">,
  container: ContainerFacts | undefined,
): Promise<NetworkChoice | Problem> {
  if (container)
    throw new ActionError(
      "No job container with `engines`",
      `This step runs in the container ${container.Name}. With \`engines\`, agents are reached through ports on the loopback interface of the first engine's machine, which a container does not see. Run the job on that machine itself: remove \`container\` from the job.`,
    );
  if (network === "") return newNetwork;
  const kind = await engines.networkKind(network);
  if (kind === undefined || kind !== "overlay true")
    return {
      input: "network",
      message: `Input \`network\` is "${network}", but with \`engines\` it must be an attachable overlay network of the swarm, and ${kind === undefined ? "the swarm has no such network" : "that is none"}. Create one in an earlier step (\`docker network create --driver=overlay --attachable ${network}\`), or omit the input: the cluster then creates its own network.`,
    };
  return { network, isOnNetwork: false, areNodeNamesTaken: true };
}

/** What to know about traffic between machines; undefined if agents encrypt it themselves. */
export function plainTextNote({ tls, gossipEncryption }: Security): string | undefined {
  if (tls && gossipEncryption) return undefined;
  return "What agents say to each other crosses the machines' network in plain text (VXLAN). With `tls: true` and `gossip-encryption: true` they encrypt it";
}

/** The place of a cluster, once its network is there. */
export async function joinSwarmNetwork(engines: Engines, network: string): Promise<SwarmPlace> {
  const [subnet] = await engines.subnets(network);
  if (subnet === undefined) throw new Error(`the network ${network} has no IPv4 subnet`);
  const [first, ...others] = engines.members.map(({ name }) => name);
  if (first === undefined) throw new Error("there is at least one engine");
  return { engines: [first, ...others], subnet };
}
