/** The machine and the container that this step runs in. */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** Identifies the time from one start of the machine to the next; empty if unknown, as on macOS. */
export const bootId = (): string => readText("/proc/sys/kernel/random/boot_id").trim();

/**
 * Identifies this machine, even after a restart; empty if it has no ID. It is a hash, because the ID
 * itself should not be published (machine-id(5)). It includes the host name, because machines made
 * from one image may have the same ID.
 */
export function machine(): string {
  const id = readText("/etc/machine-id").trim();
  return id === ""
    ? ""
    : createHmac("sha256", id).update(`consul-cluster-action ${hostname()}`).digest("hex");
}

/**
 * The ID of the container that this process runs in; empty if it runs in none. The host name isn't
 * enough: it can be set, and in the host's network it is the host's.
 *
 * @param mounts - the content of /proc/self/mountinfo
 */
export function ownContainer(mounts: string = readText("/proc/self/mountinfo")): string {
  // Docker and Podman mount a file with the host name from the container's own folder.
  const mount = /^\S+ \S+ \S+ \S*\/([0-9a-f]{64})\/(?:userdata\/)?hostname \/etc\/hostname /m;
  return mount.exec(mounts)?.[1] ?? "";
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
