/** The workflows of examples/, and where each of them runs. */
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { root } from "../runner.ts";

/** Where a workflow runs as it stands. */
export type Mark =
  /** In every `npm test`: it needs nothing from outside of the machine. */
  | { readonly runs: "npm test" }
  /** In CI's job `examples`, and on a machine at hand. */
  | { readonly runs: "npm run examples"; readonly needs: string; readonly last: LastRun }
  | { readonly runs: "nowhere"; readonly why: string };

/** When somebody last ran it on a machine at hand, and it passed; or why nobody has. */
type LastRun =
  | { readonly on: string; readonly with: string; readonly but?: string }
  | { readonly never: string };

/** Each example that takes any version was run on both of these. */
const consul = "Consul 1.8.7 and 2.1.0-dev";

const packages = (needs: string, last: LastRun): Mark => ({
  runs: "npm run examples",
  needs,
  last,
});
const debian = (what: string) =>
  packages("packages of Debian or Ubuntu", { on: "2026-11-28", with: `${what}, ${consul}` });
const language = (needs: string, what: string) =>
  packages(needs, { on: "2026-11-28", with: `${what}, ${consul}` });
const versions = packages("images of Consul 1.20 and 1.22", {
  on: "2026-11-28",
  with: "Consul 1.18.2 and 1.22.7",
  but: "no registry gave 1.20, so 1.18.2 stood for it",
});

/** By file, relative to `examples`. A check holds that none is missing. */
export const examples: ReadonlyMap<string, Mark> = new Map<string, Mark>([
  ["haproxy/workflow.yml", debian("HAProxy 2.6.12")],
  ["patroni/workflow.yml", debian("Patroni 3.0.2, PostgreSQL 15.18")],
  ["prometheus/workflow.yml", debian("Prometheus 2.42.0")],
  [
    "workflows/dotnet.yml",
    packages(".NET 8 or later, and packages of NuGet", {
      never: "no machine at hand had .NET, or a registry of it: read against the library's source",
    }),
  ],
  ["workflows/failover.yml", { runs: "npm test" }],
  ["workflows/go.yml", language("Go, and modules", "Go 1.26.8, api 1.34.5")],
  [
    "workflows/java.yml",
    language(
      "Java 17 with Maven, and its packages",
      "OpenJDK 17.0.15, Maven 3.8.7, consul-client 1.9.0",
    ),
  ],
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
      why: "what it shows is a job that fails. Tests logs and evidence do the same, without the upload, and so did a run by hand on 2026-11-28",
    },
  ],
  [
    "workflows/mesh.yml",
    packages("images of Envoy and of Consul 1.22", {
      on: "2026-11-28",
      with: "Consul 1.22.7, Envoy 1.36.4",
      but: "no registry gave Envoy's image v1.34, so one was made of a build of 1.36.4",
    }),
  ],
  ["workflows/mixed-versions.yml", versions],
  ["workflows/node.yml", language("Node.js, and packages of npm", "Node.js 24.21.0, consul 2.0.1")],
  [
    "workflows/python.yml",
    language("Python 3, and packages of PyPI", "Python 3.11.7, py-consul 1.8.0"),
  ],
  ["workflows/rolling-upgrade.yml", versions],
  ["workflows/rust.yml", language("Rust, and crates", "Rust 1.95.0, rs-consul 0.15.0")],
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
