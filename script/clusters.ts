/** Which clusters `npm run up` has started: one file each, so that `npm run down` finds them. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { type MainStep, root } from "./runner.ts";

const folder = join(root, ".cluster");
const texts = z.record(z.string(), z.string());
const schema = z.object({ action: z.string(), inputs: texts, state: texts });

export function remember({ action, inputs, state }: MainStep): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${Date.now()}.json`), JSON.stringify({ action, inputs, state }));
}

export function remembered(): { file: string; step: MainStep }[] {
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .map((file) => ({ file, step: schema.parse(JSON.parse(readFileSync(file, "utf8"))) }));
}

export function forget(file: string): void {
  rmSync(file, { force: true });
}
