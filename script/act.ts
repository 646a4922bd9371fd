/**
 * npm run act: runs one job of the workflow under act (github.com/nektos/act), with this machine as the
 * runner.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { parse } from "yaml";
import * as z from "zod";
import { commandLine } from "./command-line.ts";
import { root } from "./runner.ts";

const workflow = ".github/workflows/ci.yml";
const schema = z.object({ jobs: z.record(z.string(), z.unknown()) });
const { jobs } = schema.parse(parse(readFileSync(join(root, workflow), "utf8")));
const names = Object.keys(jobs);
const allowed = `one of ${names.join(", ")}`;

const given = commandLine({
  command: "npm run act",
  about: `runs one job of ${workflow} under act, with this machine as the runner`,
  values: z.object({
    job: z.enum(names, allowed).describe(allowed),
    matrix: z
      .string()
      .regex(/^[\w-]+:\S+$/, "a key and a value, such as version:1.8.7")
      .optional()
      .describe("Of a job with a matrix, only the runs with this value: version:1.8.7"),
  }),
  positional: ["job"],
});

const args = [
  "push",
  `--workflows=${workflow}`,
  `--job=${given.job}`,
  // Steps run on this machine, in a copy of this folder. A job with `container` runs in that.
  "--platform=ubuntu-24.04=-self-hosted",
  // Clusters of a matrix want the same ports.
  "--concurrent-jobs=1",
  // An image that this machine has need not come from a registry.
  "--pull=false",
  ...(given.matrix === undefined ? [] : [`--matrix=${given.matrix}`]),
];
console.log(`act ${args.join(" ")}`);
// JavaScript actions run with the first node on the PATH: that of the action's own version.
const path = [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter);
const act = spawn("act", args, {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: path },
});
try {
  const [exitCode] = await once(act, "close");
  process.exitCode = exitCode ?? 1;
} catch (error) {
  console.error(`act can't be started (${error}). Install it and add it to the PATH, for example:
  go install github.com/nektos/act@v0.2.87`);
  process.exitCode = 1;
}
