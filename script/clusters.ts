/** The clusters that `npm run up` started, one file each, for `npm run down`. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { type MainStep, root } from "./runner.ts";

const folder = join(root, ".cluster");
const texts = z.record(z.string(), z.string());
const step = z.object({ action: z.string(), inputs: texts, state: texts });
const schema = z.object({ step, temp: z.string() });

/** @param temp - the job's folder, which the cluster's clients need until `down` */
export function remember({ action, inputs, state }: MainStep, temp: string): void {
  mkdirSync(folder, { recursive: true });
  const known = { step: { action, inputs, state }, temp };
  writeFileSync(join(folder, `${Date.now()}.json`), JSON.stringify(known));
}

export function remembered(): { file: string; step: MainStep; temp: string }[] {
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .map((file) => ({ file, ...schema.parse(JSON.parse(readFileSync(file, "utf8"))) }));
}

export function forget(file: string, temp: string): void {
  rmSync(file, { force: true });
  rmSync(temp, { recursive: true, force: true });
}
