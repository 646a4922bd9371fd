import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterPlan } from "../plan/plan.ts";
import { cliScript } from "./consul-command.ts";

/**
 * What later steps find on the runner: the CA's certificate, the `consul` command. Nothing secret.
 *
 * @param env - the runner's environment
 * @returns the folder of one cluster, in the folder that the runner empties after each job
 */
export function runnerFolder(
  clusterId: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return join(env.RUNNER_TEMP ?? tmpdir(), `consul-${clusterId}`);
}

/** @returns the path of the certificate */
export async function writeCa(folder: string, certificate: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, "ca.pem");
  await writeFile(file, certificate);
  return file;
}

/** @returns the folder that is to be on the path */
export async function writeCli(folder: string, plan: ClusterPlan): Promise<string> {
  const path = join(folder, "bin");
  await mkdir(path, { recursive: true });
  const file = join(path, "consul");
  await writeFile(file, cliScript(plan));
  // Whatever the umask: later steps may run as another user.
  await chmod(file, 0o755);
  return path;
}

export async function removeRunnerFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
