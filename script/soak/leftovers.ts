/** What a round left behind: on the engine, and running on this machine. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { docker } from "../bench/docker.ts";

const runLabel = "consul-cluster-action.run";
const clusterLabel = "consul-cluster-action.cluster";

const lines = (text: string) => text.split("\n").filter((line) => line !== "");

interface Listing {
  readonly command: readonly string[];
  /** What identifies an object, in the docker CLI's format. */
  readonly format: string;
}

const listings: readonly Listing[] = [
  { command: ["ps", "--all", "--no-trunc"], format: "container {{.Names}}" },
  { command: ["network", "ls"], format: "network {{.Name}}" },
  { command: ["volume", "ls"], format: "volume {{.Name}}" },
];

/** Everything on the engine with the run label of a job, with the cluster of each object. */
async function objectsOfRun(run: string): Promise<{ object: string; cluster: string }[]> {
  const all = await Promise.all(
    listings.map(({ command, format }) => {
      const labels = `{{.Label "${runLabel}"}}\t{{.Label "${clusterLabel}"}}`;
      return docker(...command, `--filter=label=${runLabel}`, `--format=${format}\t${labels}`);
    }),
  );
  return all.flatMap(lines).flatMap((line) => {
    const [object = "", label = "", cluster = ""] = line.split("\t");
    return label.split("/").includes(run) ? [{ object, cluster }] : [];
  });
}

/** Everything with a cluster's label. Address holders and isolation marks have no run label. */
async function objectsOfCluster(cluster: string): Promise<string[]> {
  const filter = `--filter=label=${clusterLabel}=${cluster}`;
  const all = await Promise.all(
    listings.map(({ command, format }) => docker(...command, filter, `--format=${format}`)),
  );
  return all.flatMap(lines);
}

/** What to look for once the post step has run. */
export interface Traces {
  /** The job's GITHUB_RUN_ID. */
  readonly run: string;
  readonly clusters: readonly string[];
  /** IDs of the clusters' containers. */
  readonly containers: readonly string[];
  /** Their names. */
  readonly names: readonly string[];
  /** Names of their volumes, also of those without a label. */
  readonly volumes: readonly string[];
}

const mountsSchema = z.array(z.object({ Name: z.string().optional() }));

/** Collects what to look for, while it is there. @param known - clusters that are known already */
export async function tracesOf(run: string, known: readonly string[]): Promise<Traces> {
  const found = (await objectsOfRun(run)).map(({ cluster }) => cluster);
  const clusters = [...new Set([...known, ...found])].filter((cluster) => cluster !== "");
  const filters = clusters.map((cluster) => `--filter=label=${clusterLabel}=${cluster}`);
  const listed = await Promise.all(
    filters.map((filter) =>
      docker("ps", "--all", "--no-trunc", filter, "--format={{.ID}}\t{{.Names}}"),
    ),
  );
  const nodes = listed.flatMap(lines).map((line) => line.split("\t"));
  const containers = nodes.map(([id = ""]) => id);
  const names = nodes.map(([, name = ""]) => name);
  // A container that goes away meanwhile has no volume to look for.
  const mounts = await Promise.all(
    containers.map((id) => docker("inspect", "--format={{json .Mounts}}", id).catch(() => "[]")),
  );
  const volumes = mounts.flatMap((text) =>
    mountsSchema.parse(JSON.parse(text)).flatMap(({ Name }) => (Name ? [Name] : [])),
  );
  return { run, clusters, containers, names, volumes: [...new Set(volumes)] };
}

/** Milliseconds that processes have to exit: a docker command may outlive the step that ran it. */
const grace = 2000;

/** @returns what is left, one line each; empty if nothing is */
export async function leftovers(traces: Traces): Promise<string[]> {
  const deadline = performance.now() + grace;
  let processes = processesOf(traces.run);
  while (processes.length > 0 && performance.now() < deadline) {
    await sleep(100);
    processes = processesOf(traces.run);
  }
  const [ofRun, ofClusters, helpers, volumes] = await Promise.all([
    objectsOfRun(traces.run),
    Promise.all(traces.clusters.map(objectsOfCluster)),
    helpersOf([...traces.containers, ...traces.names]),
    docker("volume", "ls", "--quiet"),
  ]);
  const unlabeled = lines(volumes).filter((name) => traces.volumes.includes(name));
  const objects = [
    ...ofRun.map(({ object }) => object),
    ...ofClusters.flat(),
    ...helpers,
    ...unlabeled.map((name) => `volume ${name}`),
  ];
  return [...new Set([...objects, ...processes])].sort();
}

const helperSchema = z.object({
  NetworkMode: z.string(),
  VolumesFrom: z.array(z.string()).nullish(),
});

/**
 * Short-lived containers in the network, or with the volumes, of a node. They have no label.
 *
 * @param nodes - IDs and names: the engine keeps what the command line named
 */
async function helpersOf(nodes: readonly string[]): Promise<string[]> {
  if (nodes.length === 0) return [];
  const ids = lines(await docker("ps", "--all", "--quiet", "--no-trunc"));
  const format = "--format={{slice .Name 1}}\t{{json .HostConfig}}";
  const found = await Promise.all(
    ids.map(async (id) => {
      // Another job may remove its containers meanwhile.
      const answer = await docker("container", "inspect", format, id).catch(() => "");
      const [name = "", config = ""] = answer.split("\t");
      if (config === "") return [];
      const { NetworkMode, VolumesFrom } = helperSchema.parse(JSON.parse(config));
      const uses = [NetworkMode.replace("container:", ""), ...(VolumesFrom ?? [])];
      return uses.some((use) => nodes.includes(use)) ? [`container ${name}`] : [];
    }),
  );
  return found.flat();
}

/** Steps and docker commands of a job, by the variable that they inherit. Linux only. */
function processesOf(run: string): string[] {
  const names = process.platform === "linux" ? readdirSync("/proc") : [];
  return names
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
        if (!environment.includes(`GITHUB_RUN_ID=${run}`)) return [];
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        // A zombie has no command line.
        return command === "" ? [] : [`process ${pid}: ${command.slice(0, 200)}`];
      } catch {
        return []; // It has exited, or belongs to another user.
      }
    });
}
