import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterPlan } from "../plan/plan.ts";
import { cliScript } from "./consul-command.ts";

/**
 * The folder on the runner for later steps: the CA's certificate and the `consul` command. It
 * contains no secrets.
 *
 * @param env - the runner's environment
 * @returns the cluster's folder, inside the folder that the runner empties after each job
 */
export function runnerFolder(
  clusterId: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return join(env.RUNNER_TEMP ?? tmpdir(), `consul-${clusterId}`);
}

/** The folder beside it, with a record of each step that works on the cluster. */
export const stepsFolder = (...of: Parameters<typeof runnerFolder>) =>
  `${runnerFolder(...of)}-steps`;

/** @returns the path of the file */
export async function writeCa(folder: string, certificate: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, "ca.pem");
  await writeFile(file, certificate);
  return file;
}

/** @returns the folder to add to PATH */
export async function writeCli(folder: string, plan: ClusterPlan): Promise<string> {
  const path = join(folder, "bin");
  await mkdir(path, { recursive: true });
  const file = join(path, "consul");
  await writeFile(file, cliScript(plan));
  // Regardless of the umask: later steps may run as another user.
  await chmod(file, 0o755);
  return path;
}

export async function removeRunnerFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
