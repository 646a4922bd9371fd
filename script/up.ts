/**
 * npm run up: starts a cluster with the committed dist, as a job's step would.
 * Every input of the action is a flag: npm run up -- --servers 3 --clients 3
 */
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import * as z from "zod";
import { type Action, readAction } from "./action.ts";
import { remember } from "./clusters.ts";
import { consulImage, isStandIn } from "./consul-image.ts";
import { linePrinter } from "./print.ts";
import { Job, root, type StepResult } from "./runner.ts";

const nodesSchema = z.array(z.object({ name: z.string(), container: z.string() }));

function readFlags(action: Action): Record<string, string> {
  const flags = Object.keys(action.inputs).map((name) => [name, { type: "string" as const }]);
  const help = { help: { type: "boolean" as const, short: "h" } };
  const { values } = parseArgs({ options: { ...Object.fromEntries(flags), ...help } });
  if (values["help"]) {
    printHelp(action);
    process.exit();
  }
  return z.record(z.string(), z.string()).parse(values);
}

function printHelp(action: Action): void {
  console.log("npm run up -- [flags]   starts a Consul cluster; npm run down removes it\n");
  for (const [name, input] of Object.entries(action.inputs)) {
    const standard = input.default ? ` (default: ${input.default})` : "";
    console.log(`  --${name}${standard}`);
    console.log(`      ${input.description.trim().replaceAll(/\s+/g, " ")}`);
  }
}

/** The image that the tests use too, unless the flags ask for one. */
function withImage(inputs: Record<string, string>): Record<string, string> {
  if ("image" in inputs || "version" in inputs) return inputs;
  const image = consulImage();
  if (isStandIn(image)) console.log(`No registry answers: using the stand-in image ${image}`);
  return { ...inputs, image };
}

function printCluster({ outputs }: StepResult): void {
  console.log("\nOutputs");
  for (const [name, value] of Object.entries(outputs)) console.log(`  ${name}: ${value}`);
  const { nodes, "http-address": http } = outputs;
  const [first] = nodesSchema.parse(JSON.parse(nodes ?? "[]"));
  if (first !== undefined) {
    const members = ["exec", first.container, "consul", "members"];
    console.log(`\nMembers, as ${first.name} lists them`);
    console.log(execFileSync("docker", members, { encoding: "utf8" }).replaceAll(/^/gm, "  "));
  }
  console.log(`UI:     ${http}/ui\nRemove: npm run down`);
}

const inputs = withImage(readFlags(readAction(root)));
const job = new Job({ onLine: linePrinter(console.log) });
const step = job.start(inputs);
// Ctrl-C reaches the step as well; what it had started must still be remembered for `down`.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => step.process.kill());
const result = await step.result;
remember(result);
job.dispose();
if (result.exitCode === 0) printCluster(result);
else console.log("\nThe step failed; npm run down removes what it left.");
process.exitCode = result.exitCode ?? 1;
