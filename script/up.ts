/**
 * npm run up: starts a cluster with the committed dist, the way a job's step does.
 * Every input of the action is a flag: npm run up -- --servers 3 --clients 3
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { type Action, readAction } from "./action.ts";
import { remember } from "./clusters.ts";
import { commandLine } from "./command-line.ts";
import { consulImage, isStandIn } from "./consul-image.ts";
import { prepareMachine } from "./machine.ts";
import { linePrinter } from "./print.ts";
import { Job, root, type StepResult } from "./runner.ts";

const nodesSchema = z.array(
  z.object({ name: z.string(), container: z.string(), http: z.string() }),
);

/** Every input is a flag; the action itself checks the values. */
function readInputs({ inputs }: Action): Record<string, string> {
  const flags = Object.entries(inputs).map(([name, { description, default: standard }]) => {
    const about = description.trim().replaceAll(/\s+/g, " ");
    const more = standard ? ` (default: ${standard})` : "";
    return [name, z.string().optional().describe(`${about}${more}`)] as const;
  });
  const given = commandLine({
    command: "npm run up",
    about: "starts a Consul cluster; npm run down removes it",
    values: z.object(Object.fromEntries(flags)),
  });
  return z.record(z.string(), z.string()).parse(given);
}

/** Adds the image that the tests use, unless the flags set one. */
function withImage(inputs: Record<string, string>): Record<string, string> {
  if ("image" in inputs || "version" in inputs) return inputs;
  const image = consulImage();
  if (isStandIn(image)) console.log(`Using the stand-in image ${image}`);
  return { ...inputs, image };
}

function printCluster({ outputs }: StepResult): void {
  const { nodes = "[]", ...addresses } = outputs;
  const list = nodesSchema.parse(JSON.parse(nodes));
  printTable("Outputs", Object.entries(addresses));
  printTable(
    "Nodes",
    list.map((node) => [node.name, `${node.http}  ${node.container}`]),
  );
  const [first] = list;
  if (first === undefined) return;
  const token = "--env=CONSUL_HTTP_TOKEN";
  const members = ["exec", token, first.container, "consul", "members"];
  console.log(`\nMembers, as seen by ${first.name}`);
  const listing = execFileSync("docker", members, {
    encoding: "utf8",
    env: { ...process.env, CONSUL_HTTP_TOKEN: addresses["http-token"] ?? "" },
  });
  console.log(listing.trimEnd().replaceAll(/^/gm, "  "));
  console.log(`\nUI:     ${addresses["http-address"]}/ui\nRemove: npm run down`);
}

function printTable(title: string, rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  console.log(`\n${title}`);
  for (const [name, value] of rows) console.log(`  ${name.padEnd(width)}  ${value}`);
}

const given = readInputs(readAction(root));
prepareMachine();
const inputs = withImage(given);
const temp = mkdtempSync(join(tmpdir(), "up-"));
const job = new Job({ onLine: linePrinter(console.log), temp });
const step = job.start(inputs);
// Ctrl-C also reaches the step; what it has started must still be recorded for `down`.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => step.process.kill());
const result = await step.result;
remember(result, temp);
if (result.exitCode === 0) printCluster(result);
else console.log("\nThe step failed; npm run down removes what is left of it.");
process.exitCode = result.exitCode ?? 1;
