import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ActionError, messageOf } from "../errors.ts";
import type { ClusterPlan } from "../plan/plan.ts";
import { giveToOwnerOfFolder } from "../runner/ownership.ts";
import { cliScript } from "./consul-command.ts";

/**
 * The folder on the runner for later steps: the CA's certificate and the `consul` command. It
 * contains no secrets, except with mutual TLS: the key of the job's own certificate.
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

/**
 * @returns the path of the file
 * @throws ActionError if it can't be written
 */
export async function writeCa(folder: string, certificate: string): Promise<string> {
  const file = join(folder, "ca.pem");
  await writing(file, async () => {
    await makeFolder(folder);
    await writeFile(file, certificate);
  });
  return file;
}

/** Paths of files with a certificate and its key. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Writes the certificate that callers of the HTTP API show. Only the owner may read its key.
 *
 * @returns the paths of the files
 * @throws ActionError if they can't be written
 */
export async function writeClientCertificate(
  folder: string,
  { certificate, key }: CertificateFiles,
): Promise<CertificateFiles> {
  const files = {
    certificate: join(folder, "client-cert.pem"),
    key: join(folder, "client-key.pem"),
  };
  await writing(files.certificate, async () => {
    await makeFolder(folder);
    await writeFile(files.certificate, certificate);
  });
  await writing(files.key, () => writeFile(files.key, key, { mode: 0o600 }));
  return files;
}

/**
 * @returns the folder to add to PATH
 * @throws ActionError if the command can't be written there
 */
export async function writeCli(folder: string, plan: ClusterPlan): Promise<string> {
  const path = join(folder, "bin");
  const file = join(path, "consul");
  await writing(file, async () => {
    await makeFolder(folder);
    await makeFolder(path);
    await writeFile(file, cliScript(plan));
    // Regardless of the umask: later steps may run as another user.
    await chmod(file, 0o755);
  });
  return path;
}

/** Not recursive: Node would try forever if a folder can't be made, as in /proc. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  giveToOwnerOfFolder(folder);
}

/**
 * Writes a file for later steps.
 *
 * @param file - its path, for the message
 * @throws ActionError if it can't be written
 */
export async function writing(file: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
    giveToOwnerOfFolder(file);
  } catch (cause) {
    const message = `Can't write ${file}: ${messageOf(cause)}. Free space on the runner's disk, and check that RUNNER_TEMP is a folder that this step may write to.`;
    throw new ActionError("Can't write to the runner's disk", message, { cause });
  }
}

/** Removes both folders of a cluster. What was saved of its logs and state is in neither. */
export async function removeRunnerFolders(...of: Parameters<typeof runnerFolder>): Promise<void> {
  for (const folder of [runnerFolder(...of), stepsFolder(...of)])
    await rm(folder, { recursive: true, force: true });
}
