import { closeSync, constants, openSync, readSync, type Stats, statSync } from "node:fs";
import { resolve } from "node:path";

/** Far more than a cluster file or a value of Consul's KV store (512 KB by default) needs. Bytes. */
const maxFileSize = 4 * 1024 * 1024;

/**
 * Makes a reader of the workspace's files. It reads regular files only, so that a FIFO or a device
 * can't block it.
 *
 * @param workspace - the folder that relative paths start from
 * @returns the reader; it throws an `Error` whose message is the reason, without the path
 */
export function workspaceReader(workspace: string): (path: string) => Buffer {
  return (path) => {
    try {
      return readRegularFile(resolve(workspace, path));
    } catch (error) {
      throw new Error(readFailure(error), { cause: error });
    }
  };
}

function readRegularFile(path: string): Buffer {
  // Before it is opened: opening a device can have an effect.
  const stats = statSync(path);
  if (!stats.isFile()) throw new Error(`${fileType(stats)}, not a regular file`);
  // It may have become a FIFO since.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    return readAll(file);
  } finally {
    closeSync(file);
  }
}

/** Reads to the end, since the size of a file in /proc is 0. */
function readAll(file: number): Buffer {
  const parts: Buffer[] = [];
  for (let size = 0; size <= maxFileSize; ) {
    const buffer = Buffer.alloc(64 * 1024);
    const count = readSync(file, buffer);
    if (count === 0) return Buffer.concat(parts);
    parts.push(buffer.subarray(0, count));
    size += count;
  }
  throw new Error(`larger than ${maxFileSize / 1024 / 1024} MiB`);
}

function fileType(stats: Stats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isFIFO()) return "a FIFO";
  if (stats.isSocket()) return "a socket";
  return "a device";
}

const fileErrors = new Map<unknown, string>([
  ["ENOENT", "no such file"],
  ["ENOTDIR", "no such file"],
  ["EACCES", "permission denied"],
  ["ELOOP", "too many symbolic links"],
  ["ENAMETOOLONG", "the name is too long"],
  ["ERR_INVALID_ARG_VALUE", "the name is not valid"],
]);

/** Node's own messages quote the path. */
function readFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!("code" in error)) return error.message;
  return fileErrors.get(error.code) ?? String(error.code);
}
