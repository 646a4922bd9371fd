/** The network of a cluster on several engines: an attachable overlay network. */
import type { ContainerFacts } from "../docker/answers.ts";
import type { Engines } from "../docker/engines.ts";
import { ActionError, counted, InputError, type Problem } from "../errors.ts";
import type { ClusterSpec, Security } from "../inputs/cluster-spec.ts";
import { nodesOf } from "../inputs/nodes.ts";
import { freeAddresses, type SwarmPlace } from "../plan/placement.ts";
import { hasOwnNetworks, type NetworkChoice, newNetwork } from "./network.ts";

/**
 * Chooses the network of a cluster on several engines: the user's, or a new one.
 *
 * @param container - the container that this step runs in, if the engine knows it
 * @returns what is wrong with the user's network, if something is
 * @throws ActionError in a job container, which would not reach the agents
 */
export async function chooseSwarmNetwork(
  engines: Engines,
  { network, datacenters }: Pick<ClusterSpec, "network" | "datacenters">,
  container: ContainerFacts | undefined,
): Promise<NetworkChoice | Problem> {
  if (container && hasOwnNetworks(container))
    throw new ActionError(
      "No job container with `engines`",
      `This step runs in the container ${container.Name}. With \`engines\`, agents are reached through ports on the loopback interface of the first engine's machine, which a container does not see. Run the job on that machine itself: remove \`container\` from the job.`,
    );
  if (network === "") return newNetwork;
  const facts = await engines.networkFacts(network);
  if (!facts?.isAttachableOverlay)
    return {
      input: "network",
      message: `Input \`network\` is "${network}", but with \`engines\` it must be an attachable overlay network of the swarm, and ${facts ? "that is none" : "the swarm has no such network"}. Create one in an earlier step (\`docker network create --driver=overlay --attachable ${network}\`), or omit the input: the cluster then creates its own network.`,
    };
  const short = shortage(await addressesOf(engines, network), nodesOf(datacenters).length);
  if (short !== undefined)
    return {
      input: "network",
      message: `Input \`network\` is "${network}", ${short} Create a larger one (${example}), or omit the input: the cluster then creates a network of its own that is large enough.`,
    };
  // A cluster of another job may be there on engines that are not this one's.
  return { network, isOnNetwork: false, areNodeNamesTaken: true };
}

const example =
  "`docker network create --driver=overlay --attachable --subnet=10.99.0.0/20 my-network`";

/** Why a network has no place for agents; undefined if it has. */
function shortage({ subnet, taken }: Addresses, agents: number): string | undefined {
  if (subnet === undefined) return "which has no IPv4 addresses.";
  const { length } = freeAddresses(subnet, taken, agents);
  if (length === agents) return undefined;
  return `where ${length} of the addresses ${subnet} ${length === 1 ? "is" : "are"} free, and ${counted(agents, "agent")} need a fixed one each.`;
}

/** What to know about traffic between machines; undefined if agents encrypt it themselves. */
export function plainTextNote({ tls, gossipEncryption }: Security): string | undefined {
  if (tls && gossipEncryption) return undefined;
  return "What agents say to each other crosses the machines' network in plain text (VXLAN). With `tls: true` and `gossip-encryption: true` they encrypt it";
}

/**
 * The place of a cluster, once its network is there.
 *
 * @param agents - how many addresses it needs
 * @throws InputError if the network has fewer
 */
export async function placeIn(
  engines: Engines,
  network: string,
  agents: number,
): Promise<SwarmPlace> {
  const addresses = await addressesOf(engines, network);
  const short = shortage(addresses, agents);
  const { subnet, taken } = addresses;
  if (subnet === undefined || short !== undefined) {
    const message = `The cluster's network is ${network}, ${short} Create a larger one in an earlier step (${example}), and start the cluster with \`network: my-network\`.`;
    throw new InputError([{ input: "network", message }]);
  }
  const [first, ...others] = engines.members.map(({ name }) => name);
  if (first === undefined) throw new Error("there is at least one engine");
  return { engines: [first, ...others], subnet, taken };
}

/** A network's subnet, and the addresses in it that are not free. */
interface Addresses {
  readonly subnet: string | undefined;
  readonly taken: ReadonlySet<string>;
}

async function addressesOf(engines: Engines, network: string): Promise<Addresses> {
  const [facts, taken] = await Promise.all([
    engines.networkFacts(network),
    engines.takenAddresses(network),
  ]);
  return { subnet: facts?.subnet, taken: new Set([...(facts?.reserved ?? []), ...taken]) };
}
