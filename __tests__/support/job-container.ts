/** A job's container, in which the runner runs each step by `docker exec`. */
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JobOptions } from "../../script/runner.ts";
import { docker, runLikeThisMachine, testImage } from "./engine.ts";

/**
 * Writes a script. The kernel names its process after the file. Bash, since other shells don't pass
 * on variables with a dash in their names, as inputs have.
 */
export function script(folder: string, name: string, ...lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, ["#!/bin/bash", ...lines, ""].join("\n"));
  chmodSync(path, 0o755);
  return path;
}

/** The environment of a job whose steps run in a container. */
export const containerEnv = { RUNNER_TEMP: "/__w/_temp" };

/**
 * Starts a job's container, as the runner does.
 *
 * @param folder - for the files of the job
 * @param options - of `docker run`
 */
export async function jobContainer(folder: string, network: string, options: readonly string[]) {
  const machine = await runLikeThisMachine();
  const id = await docker(
    ...["run", "--detach", "--rm", ...machine, `--network=${network}`, ...options],
    ...[`--volume=${folder}:${folder}`, `--volume=${folder}:${containerEnv.RUNNER_TEMP}`],
    ...["--entrypoint=sleep", testImage(), "600"],
  );
  const exec = script(
    folder,
    `exec-${id}`,
    `exec docker exec $(env | sed -n 's/^\\([A-Z][A-Z_a-z0-9-]*\\)=.*/--env=\\1/p') ${id} "$@"`,
  );
  const remove = () => docker("rm", "--force", "--volumes", id);
  const temp = mkdtempSync(join(folder, "job-"));
  const contexts = { job: { container: { network } } };
  return { remove, options: { through: [exec], temp, contexts } satisfies JobOptions };
}
