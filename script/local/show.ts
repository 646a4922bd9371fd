/** What `up` says of a cluster: for people, for a shell, and for programs. */
import { delimiter, join } from "node:path";
import * as z from "zod";
import { type Cluster, idOf } from "./clusters.ts";
import type { Home } from "./home.ts";

export const formats = ["text", "env", "json"] as const;
export type Format = (typeof formats)[number];

const nodesSchema = z.array(
  z.looseObject({ name: z.string(), container: z.string(), http: z.string() }),
);
export type Node = z.infer<typeof nodesSchema>[number];

export const nodesOf = ({ outputs }: Pick<Cluster, "outputs">): Node[] =>
  nodesSchema.parse(JSON.parse(outputs.nodes ?? "[]"));

/** Lines for a POSIX shell, which set what a job's later steps would have. */
export function asEnv({ env, path }: Pick<Cluster, "env" | "path">): string {
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`);
  // What is there already comes after it, whatever it is by then.
  const folders =
    path.length > 0 ? [`export PATH=${quoted(path.join(delimiter))}${delimiter}"$PATH"`] : [];
  return [...variables, ...folders].join("\n");
}

/** A word that a POSIX shell takes as it is. */
const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

/** One object, for programs. */
export function asJson(cluster: Cluster): string {
  const { outputs, env, path } = cluster;
  const { nodes: _, ...others } = outputs;
  const all = { id: idOf(cluster), outputs: others, nodes: nodesOf(cluster), env, path };
  return JSON.stringify({ ...all, consul: consulOf(cluster) ?? null }, null, 2);
}

/** Tables, and what to type next. @param members - what `consul members` prints */
export function asText(cluster: Cluster, members: string, home: Home): string {
  const { nodes: _, ...outputs } = cluster.outputs;
  const nodes = nodesOf(cluster).map(
    ({ name, http, container }) => [name, `${http}  ${container}`] as const,
  );
  const consul = consulOf(cluster);
  return [
    ...table("Outputs", Object.entries(outputs)),
    ...table("Nodes", nodes),
    "",
    "Members",
    members.trimEnd().replaceAll(/^/gm, "  "),
    ...table("Next", [
      ["UI", `${outputs["http-address"]}/ui`],
      ...(consul === undefined ? [] : [["consul", consul] as const]),
      [
        "shell",
        `eval "$(${home.withFlags("up", "--format env").replace("npm run", "npm run --silent")})"`,
      ],
      ["remove", home.withFlags("down", idOf(cluster))],
    ]),
  ].join("\n");
}

/** Path of the `consul` command in the cluster's version. */
function consulOf({ path: [folder] }: Pick<Cluster, "path">): string | undefined {
  return folder === undefined ? undefined : join(folder, "consul");
}

function table(title: string, rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return ["", title, ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)];
}
