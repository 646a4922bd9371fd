import { setTimeout as sleep } from "node:timers/promises";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { messageOf } from "../errors.ts";
import { clusterFilter } from "../plan/labels.ts";

/** An object of a cluster that could not be removed, and why. */
export interface Leftover {
  readonly name: string;
  readonly reason: string;
}

/** How often what is left is looked for and removed again. */
const rounds = 5;
/** Milliseconds until another round: for the engine to end what it was doing with an object. */
const pause = 300;

/**
 * Removes all that bears the cluster's label, whatever there is of it and in whatever state. It
 * tries everything, even where a part fails, and looks again until there is nothing: somebody else
 * may be removing the same, or the engine may not be done with what a killed step asked of it.
 *
 * @returns how many containers were removed, and what could not be
 * @throws DockerError where the engine does not answer
 */
export async function destroy(
  docker: Docker,
  clusterId: string,
): Promise<{ containers: number; leftovers: Leftover[] }> {
  const removed = new Set<string>();
  for (let round = 1; ; round++) {
    const leftovers = await removeOnce(docker, clusterId, removed);
    const left = (await holdings(docker, clusterId)).flat();
    if (left.length === 0) return { containers: removed.size, leftovers: [] };
    if (round === rounds) {
      const isThere = { name: left.join(", "), reason: `still there after ${rounds} attempts` };
      return { containers: removed.size, leftovers: [...leftovers, isThere] };
    }
    await sleep(pause);
  }
}

type Holdings = readonly [containers: string[], networks: string[], volumes: string[]];

function holdings(docker: Docker, clusterId: string): Promise<Holdings> {
  const filter = clusterFilter(clusterId);
  return Promise.all([docker.containers(filter), docker.networks(filter), docker.volumes(filter)]);
}

async function removeOnce(
  docker: Docker,
  clusterId: string,
  removed: Set<string>,
): Promise<Leftover[]> {
  const leftovers: Leftover[] = [];
  const attempt = async (name: string, removal: Promise<void>) => {
    await removal.catch((error: unknown) => {
      if (!(error instanceof DockerError)) throw error;
      leftovers.push({ name, reason: messageOf(error) });
    });
  };
  const filter = clusterFilter(clusterId);
  const [containers, networks] = await Promise.all([
    docker.containers(filter),
    docker.networks(filter),
  ]);
  for (const name of containers) removed.add(name);
  await attempt(containers.join(", "), docker.removeContainers(containers));
  // A container takes its volume with it, so there is a volume left only where somebody removed
  // its container by hand.
  const volumes = docker.volumes(filter);
  await Promise.all([
    ...networks.map((network) => attempt(network, docker.removeNetwork(network))),
    volumes.then((names) => attempt(names.join(", "), docker.removeVolumes(names))),
  ]);
  return leftovers;
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
