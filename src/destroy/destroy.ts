import { setTimeout as sleep } from "node:timers/promises";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { containersQuestion, networksQuestion } from "../docker/questions.ts";
import { messageOf } from "../errors.ts";
import { clusterFilter, isPodman, labelNames } from "../plan/labels.ts";

/** An object of a cluster that could not be removed, and why. */
export interface Leftover {
  readonly name: string;
  readonly reason: string;
}

/** What came of a removal. */
export interface Removal {
  /** Whether there was anything to remove. */
  readonly found: boolean;
  /** How many containers were removed. */
  readonly containers: number;
  readonly leftovers: readonly Leftover[];
}

/** How a removal differs from that of everything on one engine. */
export interface RemovalTerms {
  /** Filters of `docker network ls`; only networks that match them are removed. */
  readonly networkFilters?: readonly string[];
  /** Attempts to remove everything. */
  readonly maxAttempts?: number;
}

/** Milliseconds between attempts, for the engine to finish what it was doing with an object. */
const pause = 300;

/**
 * Removes everything with the cluster's label, in whatever state it is. A failure does not stop the
 * rest. It retries until nothing is left: something else may be removing the same objects, or the
 * engine may still be working on a command of a killed step.
 *
 * @throws DockerError if the engine does not answer
 */
export async function destroy(
  docker: Docker,
  clusterId: string,
  { networkFilters = [], maxAttempts = 5 }: RemovalTerms = {},
): Promise<Removal> {
  const seen: Seen = { containers: new Set(), others: new Set(), volumes: new Set() };
  for (let attempt = 1; ; attempt++) {
    const { leftovers, names } = await removeOnce({ docker, clusterId, networkFilters }, seen);
    const containers = seen.containers.size;
    const found = Object.values(seen).some(({ size }) => size > 0);
    if (names.length === 0) return { found, containers, leftovers: [] };
    if (attempt === maxAttempts) {
      const reason = `still there after ${maxAttempts} attempts`;
      const stillThere = { name: names.join(", "), reason };
      return { found, containers, leftovers: [...leftovers, stillThere] };
    }
    await sleep(pause);
  }
}

/** What is to be removed. */
interface Objects {
  readonly docker: Docker;
  readonly clusterId: string;
  readonly networkFilters: readonly string[];
}

/** What a cluster has had since its removal began. */
interface Seen {
  readonly containers: Set<string>;
  /** Networks, and volumes that have the label. */
  readonly others: Set<string>;
  /** Volumes that may have no label. */
  readonly volumes: Set<string>;
}

/**
 * Whether anything on the engine has the cluster's label.
 *
 * @throws DockerError if the engine does not answer
 */
export async function hasRemains(docker: Docker, clusterId: string): Promise<boolean> {
  return (await labeled({ docker, clusterId, networkFilters: [] })).length > 0;
}

/** Names of the containers, networks and volumes that the cluster still has. */
async function namesLeft(of: Objects, seen: Seen): Promise<string[]> {
  const all = seen.volumes.size > 0 ? await of.docker.volumes() : [];
  const unlabeled = all.filter((name) => seen.volumes.has(name));
  return [...new Set([...(await labeled(of)), ...unlabeled])];
}

/** Names of the containers, networks and volumes with the cluster's label. */
async function labeled({ docker, clusterId, networkFilters }: Objects): Promise<string[]> {
  const filter = clusterFilter(clusterId);
  const networks = docker.networks(filter, ...networkFilters);
  const lists = [docker.containers(filter), networks, docker.volumes(filter)];
  return (await Promise.all(lists)).flat();
}

/**
 * Volumes of a cluster's containers, on podman: it drops the labels of a volume that is created with
 * its container, and keeps one that an upgrade has mounted in a second container.
 */
async function unlabeledVolumes(docker: Docker, containers: readonly string[]): Promise<string[]> {
  const facts = await docker.inspectContainers(containers);
  const names = facts.flatMap(({ Mounts }) => Mounts.flatMap(({ Name }) => Name ?? []));
  return names.filter((name) => anonymousVolume.test(name));
}

const listedLabels = [labelNames.engineKind];

/** What a removal from one engine asks first. */
export const removalQuestions = (clusterId: string): string[][] => [
  containersQuestion([clusterFilter(clusterId)], listedLabels),
  networksQuestion([clusterFilter(clusterId)]),
];

/** The cluster's containers. Podman is asked for their volumes, too. */
async function containersOf(docker: Docker, filter: string, seen: Seen): Promise<string[]> {
  const containers = await docker.labeledContainers([filter], listedLabels);
  const names = containers.map(({ name }) => name);
  for (const name of names) seen.containers.add(name);
  if (names.length === 0) return names;
  const [label = ""] = containers.flatMap(({ values }) => values).filter((value) => value !== "");
  const unlabeled = (await isPodman(docker, label)) ? await unlabeledVolumes(docker, names) : [];
  for (const name of unlabeled) seen.volumes.add(name);
  return names;
}

/** The name of a volume that the engine made up. Any other could be the user's. */
const anonymousVolume = /^[0-9a-f]{64}$/;

/** What came of one attempt: what failed, and the names of what is left. */
interface Attempt {
  readonly leftovers: readonly Leftover[];
  readonly names: readonly string[];
}

/**
 * Containers go first, since they hold networks and volumes. What is left is looked for while the
 * networks go: an object that the engine said it removed is gone, and any other that is listed is left.
 * After a failure nothing is taken for granted, and everything is listed again.
 */
async function removeOnce(of: Objects, seen: Seen): Promise<Attempt> {
  const { docker, clusterId, networkFilters } = of;
  const leftovers: Leftover[] = [];
  const attempt = async (name: string, removal: Promise<void>) => {
    await removal.catch((error: unknown) => {
      if (!(error instanceof DockerError)) throw error;
      leftovers.push({ name, reason: messageOf(error) });
    });
  };
  const filter = clusterFilter(clusterId);
  const networksLeft = () => docker.networks(filter, ...networkFilters);
  const [containers, networks] = await Promise.all([
    containersOf(docker, filter, seen),
    networksLeft(),
  ]);
  for (const name of networks) seen.others.add(name);
  await attempt(containers.join(", "), docker.removeContainers(containers));
  const [others, left] = await Promise.all([
    networksLeft(),
    docker.containers(filter),
    // Removing a container removes its volume, so a volume is left only if somebody removed its
    // container by hand.
    docker.volumes(filter).then(async (labeled) => {
      for (const name of labeled) seen.others.add(name);
      const names = [...new Set([...labeled, ...seen.volumes])];
      await attempt(names.join(", "), docker.removeVolumes(names));
    }),
    ...networks.map((network) => attempt(network, docker.removeNetwork(network))),
  ]);
  if (leftovers.length > 0) return { leftovers, names: await namesLeft(of, seen) };
  return { leftovers, names: [...left, ...others.filter((name) => !networks.includes(name))] };
}

/**
 * A shell command that removes whatever is left of a cluster, for the user to paste.
 *
 * @param engines - docker contexts; none for the engine in use
 */
export function removalCommand(clusterId: string, engines: readonly string[] = []): string {
  const filter = `--filter ${clusterFilter(clusterId)}`;
  const [first = "", ...others] = engines;
  const context = others.length > 0 ? '"$engine"' : first;
  const docker = context === "" ? "docker" : `docker --context ${context}`;
  // On several engines, a network is in use as long as any has a container.
  const each = (command: string) =>
    others.length > 0
      ? `for engine in ${engines.toReversed().join(" ")}; do ${command}; done`
      : command;
  // There may be nothing left of a kind; `docker rm` without arguments would fail.
  return [
    `${docker} ps -aq ${filter} | xargs -r ${docker} rm -fv`,
    `${docker} network ls -q ${filter} | xargs -r ${docker} network rm`,
    `${docker} volume ls -q ${filter} | xargs -r ${docker} volume rm`,
  ]
    .map(each)
    .join("; ");
}
