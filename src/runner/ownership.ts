import { lchownSync, lstatSync } from "node:fs";
import { dirname } from "node:path";
import * as core from "@actions/core";
import { messageOf } from "../errors.ts";

/**
 * Gives a new file or folder to the owner of the folder that it is in, if this process may.
 *
 * In a job container we are root, and the runner outside is not. It empties RUNNER_TEMP when a job
 * begins and ends, file by file: before it deletes one that it may not write to, it changes its mode,
 * which only the owner may do (actions/runner, `TempDirectoryManager` and `IOUtil.DeleteDirectory`).
 * A folder that isn't empty then ends the cleanup, and every later job has the rest in its way.
 */
export function giveToOwnerOfFolder(path: string): void {
  if (process.getuid?.() !== 0) return;
  try {
    const { uid, gid } = lstatSync(dirname(path));
    // Not what a link leads to: the folder's owner could have put one in place of the file.
    lchownSync(path, uid, gid);
  } catch (error) {
    core.debug(`${path} stays root's: ${messageOf(error)}`);
  }
}
