/** Which network a cluster joins: it must be one on which this step reaches the agents. */
import { networkInterfaces } from "node:os";
import type { ContainerFacts, NetworkMember } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { ActionError, type Problem } from "../errors.ts";
import type { ClusterSpec } from "../inputs/cluster-spec.ts";
import { namelessNetworks } from "../inputs/input-definitions.ts";
import { anyClusterFilter } from "../plan/labels.ts";
import type { Prerequisites } from "../plan/plan.ts";

/** A network for the cluster, and what it is like. */
export type NetworkChoice = Pick<Prerequisites, "network" | "isOnNetwork" | "areNodeNamesTaken">;

/** The cluster makes a network, and publishes ports on the loopback. */
export const newNetwork: NetworkChoice = { isOnNetwork: false, areNodeNamesTaken: false };

/**
 * Chooses the cluster's network: the one that the user names; the job's; one of the container that
 * this step runs in, as runners don't tell each job's network; or a new one.
 *
 * @param container - the container that this step runs in, if the engine knows it
 * @returns what is wrong with the user's network, if something is
 * @throws ActionError if this step would not reach the cluster on any network
 */
export async function chooseNetwork(
  docker: Docker,
  { network, jobNetwork }: Pick<ClusterSpec, "network" | "jobNetwork">,
  container: ContainerFacts | undefined,
): Promise<NetworkChoice | Problem> {
  const apart = container !== undefined && hasOwnNetworks(container) ? container : undefined;
  if (network !== "") return usersNetwork(docker, network, apart);
  const ofJob = jobNetwork === "" ? undefined : await inspectNetwork(docker, jobNetwork);
  if (ofJob && (ofJob.isOnNetwork || !apart)) return ofJob;
  if (!apart) return newNetwork;
  for (const name of await namedNetworks(docker, apart)) {
    const choice = await inspectNetwork(docker, name);
    if (choice?.isOnNetwork) return choice;
  }
  throw unreachable(apart);
}

/** @param apart - the container of this step, if it has networks of its own */
async function usersNetwork(
  docker: Docker,
  network: string,
  apart: ContainerFacts | undefined,
): Promise<NetworkChoice | Problem> {
  const choice = await inspectNetwork(docker, network);
  if (!choice) return noNetwork(network);
  return apart && !choice.isOnNetwork ? notOnNetwork(network, apart) : choice;
}

/** @returns undefined if the engine has no network of that name */
async function inspectNetwork(docker: Docker, network: string): Promise<NetworkChoice | undefined> {
  const [members, nodes] = await Promise.all([
    docker.networkMembers(network),
    docker.containers(`network=${network}`, anyClusterFilter),
  ]);
  if (!members) return undefined;
  const isOnNetwork = members.some(isThisProcess);
  return { network, isOnNetwork, areNodeNamesTaken: nodes.length > 0 };
}

function isThisProcess({ ip, mac }: NetworkMember): boolean {
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  // The engine names no MAC address for ipvlan, whose containers all have the machine's.
  return interfaces.some((own) => own.address === ip && (own.mac === mac || mac === ""));
}

/**
 * Whether a container has networks of its own, so that ports published on the loopback of its
 * engine's machine can't be reached from it. Otherwise it shares the machine's, or another
 * container's, of which nothing is known.
 */
export const hasOwnNetworks = ({ HostConfig }: ContainerFacts) =>
  !/^(host$|container:)/.test(HostConfig.NetworkMode);

/** A container's networks in which containers have names. */
async function namedNetworks(docker: Docker, container: ContainerFacts): Promise<string[]> {
  const names = networksOf(container).filter((name) => !namelessNetworks.includes(name));
  // It is podman's default network, which has no DNS.
  return names.includes("podman") && (await docker.engineFacts()).isPodman
    ? names.filter((name) => name !== "podman")
    : names;
}

const networksOf = ({ NetworkSettings }: ContainerFacts) => Object.keys(NetworkSettings.Networks);

const noNetwork = (network: string): Problem => ({
  input: "network",
  message: `Input \`network\` is "${network}", but the engine has no such network. Create it in an earlier step (\`docker network create ${network}\`), or omit the input: the cluster then creates its own network.`,
});

const notOnNetwork = (network: string, { Name }: ContainerFacts): Problem => ({
  input: "network",
  message: `Input \`network\` is "${network}", but this step runs in the container ${Name}, which is not on that network and can't reach the cluster there. Connect it in an earlier step (\`docker network connect ${network} ${Name}\`), or omit the input: the cluster then joins a network of the container.`,
});

function unreachable(container: ContainerFacts): ActionError {
  const { Name } = container;
  const networks = networksOf(container);
  const found =
    networks.length === 0
      ? "which is on no network"
      : `which is only on ${networks.join(" and ")}, where containers can't find each other by name`;
  const message = `This step runs in the container ${Name}, ${found}. It can't reach ports on the loopback interface of the engine's machine either. Put the container on a network with names, in an earlier step (\`docker network create job-network; docker network connect job-network ${Name}\`) or where it is started (\`--network\`; \`container.network\` in the configuration of Gitea's or Forgejo's runner). The cluster then joins that network by itself.`;
  return new ActionError("This container can't reach a cluster", message);
}
