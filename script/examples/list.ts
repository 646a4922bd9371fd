/** The workflows of examples/, and where each of them runs. */
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { root } from "../runner.ts";

/** Where a workflow runs as it stands. */
export type Mark =
  /** In every `npm test`: it needs nothing from outside of the machine. */
  | { readonly runs: "npm test" }
  /** In CI's job `examples`, and on a machine at hand. */
  | { readonly runs: "npm run examples"; readonly needs: string }
  | { readonly runs: "nowhere"; readonly why: string };

const packages = (what: string): Mark => ({ runs: "npm run examples", needs: what });

/** By file, relative to `examples`. A check holds that none is missing. */
export const examples: ReadonlyMap<string, Mark> = new Map<string, Mark>([
  ["haproxy/workflow.yml", packages("packages of Debian or Ubuntu")],
  ["patroni/workflow.yml", packages("packages of Debian or Ubuntu")],
  ["prometheus/workflow.yml", packages("packages of Debian or Ubuntu")],
  ["workflows/dotnet.yml", packages(".NET 8, and packages of NuGet")],
  ["workflows/failover.yml", { runs: "npm test" }],
  ["workflows/go.yml", packages("Go, and modules")],
  ["workflows/java.yml", packages("Java 17 with Maven, and its packages")],
  [
    "workflows/job-in-container.yml",
    {
      runs: "nowhere",
      why: "its steps run in a container. CI's job `job-container` does the same, and so does the test job-containers",
    },
  ],
  [
    "workflows/logs-on-failure.yml",
    {
      runs: "nowhere",
      why: "what it shows is a job that fails. Tests logs and evidence do the same, without the upload",
    },
  ],
  ["workflows/mesh.yml", packages("images of Envoy and of Consul 1.22")],
  ["workflows/mixed-versions.yml", packages("images of Consul 1.20 and 1.22")],
  ["workflows/node.yml", packages("Node.js, and packages of npm")],
  ["workflows/python.yml", packages("Python 3, and packages of PyPI")],
  ["workflows/rolling-upgrade.yml", packages("images of Consul 1.20 and 1.22")],
  ["workflows/rust.yml", packages("Rust, and crates")],
  ["workflows/several-clusters.yml", { runs: "npm test" }],
  ["workflows/several-datacenters.yml", { runs: "npm test" }],
  [
    "workflows/version-matrix.yml",
    {
      runs: "nowhere",
      why: "it is several jobs. CI's job `versions` is such a matrix, and each job is that of go.yml",
    },
  ],
]);

/** What people call an example: the name of its folder, or of its file. */
const nameOf = (file: string) =>
  dirname(file) === "workflows" ? basename(file, ".yml") : dirname(file);

/** Names of the examples that some command runs, or that this one runs. */
export function runnable(where?: Mark["runs"]): string[] {
  return [...examples]
    .filter(([, { runs }]) => runs !== "nowhere" && (where === undefined || runs === where))
    .map(([file]) => nameOf(file));
}

/** @throws if there is none of this name */
export function workflowOf(name: string): string {
  const file = [...examples.keys()].find((each) => nameOf(each) === name);
  if (file === undefined) throw new Error(`examples has no ${name}`);
  return readFileSync(join(root, "examples", file), "utf8");
}

/** @returns workflows without a mark, and marks without a workflow, one line each */
export function unmarkedExamples(
  files: readonly string[] = globSync("{*/workflow,workflows/*}.yml", {
    cwd: join(root, "examples"),
  }),
): string[] {
  const strange = [...examples.keys()].filter((file) => !files.includes(file));
  return [
    ...files
      .filter((file) => !examples.has(file))
      .map(
        (file) => `examples/${file} is not in script/examples/list.ts, which says where it runs`,
      ),
    ...strange.map((file) => `script/examples/list.ts has ${file}, which examples has not`),
  ];
}
