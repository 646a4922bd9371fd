/**
 * npm run engines: runs cluster tests on an engine that this machine does not have. Debian's newer
 * suites carry newer engines; a minimal machine of such a suite is made in a folder and entered with
 * namespaces of its own, beside this machine's engine. Records the results in script/engines/results.json,
 * and writes docs/engines.md from it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { commandLine } from "./command-line.ts";
import { consulImage } from "./consul-image.ts";
import { readReport, resultsPage, resultsSchema, withRun } from "./engines/results.ts";
import { prepareMachine } from "./machine.ts";
import { withPart } from "./page.ts";
import { root } from "./runner.ts";

const {
  engine,
  suite,
  tests,
  folder: parent,
} = commandLine({
  command: "npm run engines",
  about: "runs cluster tests on another engine, and writes docs/engines.md; needs root on Debian",
  values: z.object({
    engine: z.enum(["docker", "podman"], "docker or podman").describe("docker or podman"),
    suite: z
      .string()
      .regex(/^[a-z]+$/, "the name of a suite of Debian")
      .default("trixie")
      .describe("Debian's suite that the engine comes from"),
    tests: z
      .string()
      .regex(/^[\w/,-]+$/, "names of test files, separated by commas")
      .default("")
      .describe("test files, such as shapes,fault/steps (default: all cluster tests)"),
    folder: z
      .string()
      .default(join(tmpdir(), "consul-cluster-action-engines"))
      .describe("where machines are made; they stay for the next run"),
  }),
  positional: ["engine"],
});

const scripts = join(root, "script/engines");
const record = join(scripts, "results.json");
const page = join(root, "docs/engines.md");
const markers = ["<!-- engines -->", "<!-- /engines -->"] as const;

prepareMachine();
const machine = join(parent, suite);
const image = consulImage();
execFileSync(join(scripts, "make"), [suite, machine], { stdio: "inherit" });
execFileSync("docker", ["save", `--output=${join(machine, "image.tar")}`, image]);

const [report, versions] = [join(machine, "report.json"), join(machine, "versions")];
for (const file of [report, versions]) rmSync(file, { force: true });
const files = tests.split(",").filter((name) => name !== "");
const vitest = [
  ...["vitest", "run", "--project=cluster", "--reporter=default", "--reporter=json"],
  "--outputFile.json=/report.json",
  // Two engines on one machine are slow.
  ...["--testTimeout=300000", "--hookTimeout=300000"],
  ...files.map((name) => `__tests__/cluster/${name}.test.ts`),
];
const { status } = spawnSync(
  join(scripts, "enter"),
  [machine, root, join(scripts, "run"), engine, ...vitest],
  { stdio: "inherit", env: { ...process.env, CONSUL_TEST_IMAGE: image } },
);
if (!existsSync(report)) throw new Error("the tests wrote no report");

const results = withRun(
  resultsSchema.parse(JSON.parse(readFileSync(record, "utf8"))),
  `${engine} of ${suite}`,
  {
    versions: readFileSync(versions, "utf8").trim(),
    consul: image,
    date: new Date().toISOString().slice(0, 10),
    files: readReport(JSON.parse(readFileSync(report, "utf8"))),
  },
);
writeFileSync(record, `${JSON.stringify(results, undefined, 2)}\n`);
const table = resultsPage(results);
console.log(`\n${table}`);
const text = readFileSync(page, "utf8");
writeFileSync(page, withPart(text, markers, `\n\n${table}\n\n`));
console.log(`\nWritten: ${page}`);
process.exitCode = status ?? 1;
