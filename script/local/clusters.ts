/**
 * The clusters that `up` started, one file each. The file is there before anything is created, so that
 * `down` finds a cluster whatever became of the `up` that started it.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import * as z from "zod";
import { parseCommandFile } from "../commands.ts";

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

export function forget(records: string, { temp }: Pick<Cluster, "temp">): void {
  rmSync(join(records, `${basename(temp)}.json`), { force: true });
  rmSync(temp, { recursive: true, force: true });
}

/** How many of a cluster's agents there are, and how many of them run. */
export function agentsOf(cluster: Cluster): { all: number; running: number } {
  const id = idOf(cluster);
  if (id === "") return { all: 0, running: 0 };
  const count = (...all: readonly string[]) => {
    const filters = [
      `label=consul-cluster-action.cluster=${id}`,
      "label=consul-cluster-action.node",
    ];
    const args = ["ps", "--quiet", ...all, ...filters.map((filter) => `--filter=${filter}`)];
    return execFileSync("docker", args, { encoding: "utf8" }).split("\n").filter(Boolean).length;
  };
  return { all: count("--all"), running: count() };
}
