/**
 * The clusters that `up` started, one file each. The file is there before anything is created, so that
 * `down` finds a cluster whatever became of the `up` that started it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import * as z from "zod";
import { parseCommandFile } from "../commands.ts";
import { docker } from "./docker.ts";

const texts = z.record(z.string(), z.string());

const schema = z.object({
  /** The job's folder, which the cluster's clients need until `down`. */
  temp: z.string(),
  /** As typed. */
  given: texts,
  inputs: texts,
  state: texts.default({}),
  outputs: texts.default({}),
  env: texts.default({}),
  path: z.array(z.string()).default([]),
});

/** What is known of a cluster. What its step has not told yet is empty. */
export type Cluster = z.output<typeof schema>;
export type NewCluster = z.input<typeof schema>;

/** A cluster, and the file that has it. */
export interface Known extends Cluster {
  readonly file: string;
}

/** Writes what is known of a cluster, secrets among it, for this user only. */
export function remember(records: string, cluster: NewCluster): void {
  mkdirSync(records, { recursive: true, mode: 0o700 });
  const file = join(records, `${basename(cluster.temp)}.json`);
  writeFileSync(file, JSON.stringify(cluster), { mode: 0o600 });
}

/** Every cluster that is not forgotten, in the order of their start. */
export function remembered(records: string): Known[] {
  if (!existsSync(records)) return [];
  const files = readdirSync(records).map((name) => join(records, name));
  const known = files.map((file) => ({
    file,
    ...schema.parse(JSON.parse(readFileSync(file, "utf8"))),
  }));
  return known.map((cluster) => ({ ...cluster, state: stateOf(cluster) }));
}

/** The state, also of a cluster whose `up` was killed before it could write it down. */
function stateOf({ state, temp }: Cluster): Readonly<Record<string, string>> {
  const file = join(temp, "step-1", "state");
  if (Object.keys(state).length > 0 || !existsSync(file)) return state;
  return parseCommandFile(readFileSync(file, "utf8"));
}

/** Of a cluster whose step got as far as that; else empty. */
export const idOf = ({ state }: Pick<Cluster, "state">): string => state["cluster-id"] ?? "";

/** @param keepsFolder - for the logs in it */
export function forget(
  records: string,
  { temp }: Pick<Cluster, "temp">,
  { keepsFolder }: { readonly keepsFolder: boolean } = { keepsFolder: false },
): void {
  rmSync(join(records, `${basename(temp)}.json`), { force: true });
  if (!keepsFolder) rmSync(temp, { recursive: true, force: true });
}

/** Names of what bears a cluster's label. @throws DockerFailure */
function bearing(
  cluster: Cluster,
  listing: readonly string[],
  ...more: readonly string[]
): string[] {
  const id = idOf(cluster);
  if (id === "") return [];
  const filters = [`consul-cluster-action.cluster=${id}`, ...more];
  const args = [...listing, "--quiet", ...filters.map((label) => `--filter=label=${label}`)];
  return docker(args).split("\n").filter(Boolean);
}

/** How many of a cluster's agents there are, and how many of them run. @throws DockerFailure */
export function agentsOf(cluster: Cluster): { all: number; running: number } {
  const [all, running] = [["ps", "--all"], ["ps"]].map(
    (listing) => bearing(cluster, listing, "consul-cluster-action.node").length,
  );
  return { all: all ?? 0, running: running ?? 0 };
}

/**
 * Whether nothing of a cluster is left. A post step that can't remove something only warns.
 *
 * @throws DockerFailure
 */
export function isGone(cluster: Cluster): boolean {
  const listings = [
    ["ps", "--all"],
    ["network", "ls"],
    ["volume", "ls"],
  ];
  return listings.every((listing) => bearing(cluster, listing).length === 0);
}
