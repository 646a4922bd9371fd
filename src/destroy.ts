import type { Docker } from "./docker.ts";
import { messageOf } from "./errors.ts";
import { clusterFilter } from "./plan.ts";

/** An object of a cluster that could not be removed, and why. */
export interface Leftover {
  readonly name: string;
  readonly reason: string;
}

/**
 * Removes all that bears the cluster's label, whatever there is of it. It tries everything, even
 * where a part fails.
 *
 * @returns how many containers were removed, and what could not be
 */
export async function destroy(
  docker: Docker,
  clusterId: string,
): Promise<{ containers: number; leftovers: Leftover[] }> {
  const filter = clusterFilter(clusterId);
  const leftovers: Leftover[] = [];
  const attempt = async (name: string, removal: Promise<void>) => {
    await removal.catch((error) => leftovers.push({ name, reason: messageOf(error) }));
  };

  const [containers, networks] = await Promise.all([
    docker.containers(filter),
    docker.networks(filter),
  ]);
  await attempt(containers.join(", "), docker.removeContainers(containers));
  // A container takes its volume with it, so there is a volume left only where somebody removed
  // its container by hand.
  const volumes = docker.volumes(filter);
  await Promise.all([
    ...networks.map((network) => attempt(network, docker.removeNetwork(network))),
    volumes.then((names) => attempt(names.join(", "), docker.removeVolumes(names))),
  ]);
  return { containers: containers.length, leftovers };
}

/** A command that removes what is left of a cluster, for a person to paste. */
export function removalCommand(clusterId: string): string {
  const filter = `--filter ${clusterFilter(clusterId)}`;
  // Of any kind there may be nothing left, which `docker rm` alone would take for a mistake.
  return [
    `docker ps -aq ${filter} | xargs -r docker rm -fv`,
    `docker network ls -q ${filter} | xargs -r docker network rm`,
    `docker volume ls -q ${filter} | xargs -r docker volume rm`,
  ].join("; ");
}
