/**
 * npm run versions: runs the cluster tests on several versions of Consul, prints what became of each
 * file's tests, and with --write=true puts that into docs/versions.md.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import * as z from "zod";
import { messageOf } from "../src/errors.ts";
import { commandLine } from "./command-line.ts";
import { versionsFile } from "./differences.ts";
import { prepareMachine } from "./machine.ts";
import { partOf, withPart } from "./page.ts";
import { root } from "./runner.ts";
import { imageOf, versionOf } from "./versions/images.ts";
import { hasPassed, merged, outcome, type Run, runsIn, tableOf } from "./versions/table.ts";
import { reportSchema } from "./vitest-report.ts";

/** The first version that is supported, one on each side of most changes, and the last ones. */
const usual = "1.4.4 1.6.10 1.8.7 1.10.12 1.15 1.18 1.22 2.1";

const markers = ["<!-- runs: npm run versions -- --write=true -->", "<!-- /runs -->"] as const;
const tests = join(root, "__tests__/cluster");

const words = (text: string) => text.split(/[ ,]+/).filter((word) => word !== "");
const isVersion = (text: string) => /^(latest|\d+(\.\d+){1,2}(-[\w.]+)?)$/.test(text);

const given = commandLine({
  command: "npm run versions",
  about:
    "runs the cluster tests on versions of Consul: with images that the engine has, or that a registry gives",
  values: z.object({
    versions: z
      .string()
      .default(usual)
      .transform(words)
      .refine((all) => all.every(isVersion), "versions such as 1.22 or 1.8.7, or latest")
      .describe(
        "versions of Consul; a short one, such as 1.22, is the newest release that the engine has",
      ),
    files: z
      .string()
      .transform(words)
      .optional()
      .describe("parts of the test files' paths, such as shapes,upgrade (default: every file)"),
    write: z
      .enum(["true", "false"], "true or false")
      .default("false")
      .describe(
        "true writes the table into docs/versions.md, beside what it has of other versions and files",
      ),
  }),
  rest: "versions",
});

prepareMachine("--test");
const images = await findAll(given.versions);
if (images === undefined) process.exit(1);
const runs: Run[] = [];
for (const image of images) {
  const run = await runOn(image);
  runs.push(run);
  console.log(`\n${tableOf([run])}\n`);
  // After each: a run of all versions takes hours.
  if (given.write === "true") write(run);
}
if (runs.length > 1) console.log(tableOf(merged([], runs)));
if (!runs.every(hasPassed)) process.exitCode = 1;

/** The image of each version; undefined, and why, if one can't be had: before any test has run. */
async function findAll(versions: readonly string[]): Promise<string[] | undefined> {
  const found: string[] = [];
  for (const version of versions) {
    try {
      found.push(await imageOf(version));
    } catch (error) {
      console.error(`No image of Consul ${version}. ${messageOf(error)}`);
    }
  }
  return found.length === versions.length ? [...new Set(found)] : undefined;
}

/** Runs the tests on an image. Ends this process if they were interrupted. */
async function runOn(image: string): Promise<Run> {
  const version = await versionOf(image);
  console.log(`\nConsul ${version}, image ${image}`);
  const folder = mkdtempSync(join(tmpdir(), "versions-"));
  const report = join(folder, "report.json");
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const args = ["run", "--project=cluster", "--reporter=default", "--reporter=json"];
  const child = spawn(
    process.execPath,
    [vitest, ...args, `--outputFile.json=${report}`, ...(given.files ?? [])],
    { cwd: root, stdio: "inherit", env: { ...process.env, CONSUL_TEST_IMAGE: image } },
  );
  const [exitCode, signal] = await once(child, "close");
  // It writes a report only if it got to the end.
  let text: string;
  try {
    text = readFileSync(report, "utf8");
  } catch {
    console.error(
      `The tests on ${image} ended without a report: ${signal ?? `exit code ${exitCode}`}`,
    );
    process.exit(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
  const { testResults } = reportSchema.parse(JSON.parse(text));
  const files = testResults.map((file) => [relative(tests, file.name), outcome(file)] as const);
  const date = new Date().toISOString().slice(0, 10);
  return { version, date, files: Object.fromEntries(files) };
}

function write(run: Run): void {
  const text = readFileSync(versionsFile, "utf8");
  const all = merged(runsIn(partOf(text, markers)), [run]);
  writeFileSync(versionsFile, withPart(text, markers, `\n\n${tableOf(all)}\n\n`));
  console.log(`Written: ${versionsFile}`);
}
