/** The settings of single nodes in a cluster file. */
import type { Place, Problem } from "../errors.ts";
import type { Content } from "./cluster-file-schema.ts";
import { type PlaceOf, problemAt } from "./file-problem.ts";
import { ownVariableNames, variablePattern } from "./input-definitions.ts";
import type { NodeShape } from "./nodes.ts";
import { fragmentOf } from "./seeds.ts";
import { nearest, pathText, shortened } from "./wording.ts";

/** What a cluster file says about one node. */
export interface FileNode {
  readonly place: Place;
  readonly version: string | undefined;
  /** Agent configuration as JSON, or empty. */
  readonly config: string;
  readonly env: ReadonlyMap<string, string>;
}

/** The nodes that a file has settings for, by name. */
export const fileNodes = (
  { nodes = {} }: Content,
  placeOf: PlaceOf,
): ReadonlyMap<string, FileNode> =>
  new Map(
    Object.entries(nodes).map(([name, { version, config, env = {} }]): [string, FileNode] => {
      const place = placeOf("nodes", name);
      const variables = new Map(Object.entries(env));
      return [name, { place, version, config: fragmentOf(config), env: variables }];
    }),
  );

/** Variables that no single node can have. */
export function nodeEnvProblems({ nodes = {} }: Content, placeOf: PlaceOf): Problem[] {
  return Object.entries(nodes).flatMap(([node, { env = {} }]) =>
    Object.entries(env).flatMap(([name, value]) => {
      const problem = variableProblem(name, value);
      if (problem === undefined) return [];
      const path = ["nodes", node, "env", name];
      return [problemAt(placeOf(...path), `\`${pathText(path)}\` ${problem}.`)];
    }),
  );
}

function variableProblem(name: string, value: string): string | undefined {
  if (!variablePattern.test(name))
    return "is not a variable: a name has letters, digits, and `_`, and does not start with a digit";
  if (value.includes("\0")) return "contains a NUL, which no variable can hold";
  // The action itself acts on them, for all agents alike.
  if (ownVariableNames.includes(name))
    return "can't differ between nodes: set it in the input `env`, for every agent";
  return undefined;
}

/** What a file says about nodes that are not in the cluster. @param nodes - the cluster's */
export function unknownNodeSettings(
  named: ReadonlyMap<string, unknown>,
  nodes: readonly NodeShape[],
  placeOf: PlaceOf,
): Problem[] {
  const names = nodes.map(({ node }) => node);
  return [...named.keys()]
    .filter((name) => !names.includes(name))
    .map((name) =>
      problemAt(
        placeOf("nodes", name),
        `\`${pathText(["nodes", name])}\` is for node \`${shortened(name)}\`, which is not in this cluster; ${nodeAdvice(name, names)}`,
      ),
    );
}

/** The end of a message about a node that is not in the cluster. */
export function nodeAdvice(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  return near === undefined ? `its nodes are ${names.join(", ")}.` : `did you mean \`${near}\`?`;
}
