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

/** What tells a process the ID of its container. */
interface ContainerTraces {
  /** The content of /proc/self/mountinfo. */
  readonly mounts: string;
  /** The content of /proc/self/cgroup. */
  readonly cgroups: string;
  /** The host name. */
  readonly host: string;
}

/**
 * The IDs that the container of this process may have, the most certain one first; none outside of a
 * container. An engine that does not know an ID has no such container, as with Docker-in-Docker.
 */
export function ownContainers(traces: ContainerTraces = ownTraces()): string[] {
  // Docker and Podman mount these files from the container's own folder. A user may mount others.
  const mount =
    /^\S+ \S+ \S+ \S*\/([0-9a-f]{64})\/(?:userdata\/)?\S+ \/etc\/(?:hostname|hosts|resolv\.conf) /m;
  // Version 1 of control groups, or the engine's own namespace: /docker/<ID>, /docker-<ID>.scope.
  const cgroup = /^\d+:\S*:\S*[/-]([0-9a-f]{64})(?:\.scope)?(?:\/\S*)?$/m;
  // The host name is the start of the ID, unless it was set or the network is the host's.
  const host = /^([0-9a-f]{12})$/;
  const found = [mount.exec(traces.mounts), cgroup.exec(traces.cgroups), host.exec(traces.host)];
  const ids = found.flatMap((match) => match?.[1] ?? []);
  return ids.filter((id, index) => !ids.slice(0, index).some((longer) => longer.startsWith(id)));
}

/** The most certain of these IDs; empty outside of a container. It is the same for all steps of a job. */
export const ownContainer = (): string => ownContainers()[0] ?? "";

const ownTraces = (): ContainerTraces => ({
  mounts: readText("/proc/self/mountinfo"),
  cgroups: readText("/proc/self/cgroup"),
  host: hostname(),
});

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
