/**
 * npm run examples: runs the workflows of examples/ on this machine, through the committed dist. They
 * install what they need with apt, or with the tools of their language, which must be there.
 */
import * as z from "zod";
import { commandLine } from "./command-line.ts";
import { consulImage } from "./consul-image.ts";
import { runnable } from "./examples/list.ts";
import { runExample } from "./examples/run.ts";
import { prepareMachine } from "./machine.ts";

const all = runnable();

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
      .describe(`folders of examples/, and files of examples/workflows: ${all.join(", ")}`),
  }),
  rest: "names",
});

prepareMachine();
const image = consulImage();
const stop = new AbortController();
// Not only once: npm may pass on what Ctrl-C has sent to this process, too.
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    if (!stop.signal.aborted) console.log(`${signal}: removing what the example has started`);
    stop.abort();
  });

const results: string[] = [];
for (const name of names) {
  const failure = await runExample({ name, image, signal: stop.signal });
  if (stop.signal.aborted) break;
  results.push(failure === undefined ? "" : `examples/${name}: ${failure}`);
}
const failures = results.filter((failure) => failure !== "");
for (const failure of failures) console.error(`\n${failure}`);
const passed = results.length - failures.length;
console.log(`\nOn ${image}: ${passed} passed, ${failures.length} failed`);
if (stop.signal.aborted) console.log("The run was interrupted.");
process.exitCode = stop.signal.aborted ? 130 : failures.length > 0 ? 1 : 0;
