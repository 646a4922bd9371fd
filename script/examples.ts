/**
 * npm run examples: runs the workflows in the folders of examples/ on this machine, through the
 * committed dist. They install what they need with apt.
 */
import { globSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import * as z from "zod";
import { commandLine } from "./command-line.ts";
import { consulImage } from "./consul-image.ts";
import { runExample } from "./examples/run.ts";
import { prepareMachine } from "./machine.ts";
import { root } from "./runner.ts";

const all = globSync(join(root, "examples/*/workflow.yml"))
  .map((file) => basename(dirname(file)))
  .sort();

const { names } = commandLine({
  command: "npm run examples",
  about:
    "runs the examples that use a cluster; needs root, or sudo without a password, on Debian or Ubuntu",
  values: z.object({
    names: z
      .string()
      .transform((text) => text.split(" "))
      .refine((names) => names.every((name) => all.includes(name)), `among ${all.join(", ")}`)
      .default(all)
      .describe(`folders of examples/: ${all.join(", ")}`),
  }),
  rest: "names",
});

prepareMachine();
const image = consulImage();
const failures: string[] = [];
for (const name of names) {
  const failure = await runExample(name, image);
  if (failure !== undefined) failures.push(`examples/${name}: ${failure}`);
}
for (const failure of failures) console.error(`\n${failure}`);
console.log(`\nOn ${image}: ${names.length - failures.length} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 ? 1 : 0;
