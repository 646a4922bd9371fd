import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import * as z from "zod";

// YAML reads an unquoted 3 or true as a number or a truth value; the runner hands over text.
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const schema = z.object({
  name: z.string(),
  description: z.string(),
  branding: z.object({ icon: z.string(), color: z.string() }).optional(),
  inputs: z
    .record(z.string(), z.object({ description: z.string(), default: text.optional() }))
    .default({}),
  outputs: z.record(z.string(), z.object({ description: z.string() })).default({}),
  runs: z.object({ using: z.literal("node24"), main: z.string(), post: z.string().optional() }),
});

/** What an action.yml says, as far as running it needs. */
export type Action = z.infer<typeof schema>;

export function readAction(folder: string): Action {
  return schema.parse(parse(readFileSync(join(folder, "action.yml"), "utf8")));
}

/** Folders of this repository with an action.yml. Those that only show how to wrap it are not among them. */
export function actionFolders(): string[] {
  return globSync("{*/,}action.yml", { cwd: resolve(import.meta.dirname, "..") })
    .map((file) => join(file, ".."))
    .sort();
}
