/** What long-running processes hold, to see whether they grow. Linux only. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Use {
  readonly files: number;
  /** Resident memory in KiB. */
  readonly memory: number;
}

/** @returns undefined if the engine is not a process of this network namespace */
export function engineUse(): Use | undefined {
  try {
    const namespace = readlinkSync("/proc/self/ns/net");
    const pid = readdirSync("/proc").find((name) => isEngine(name, namespace));
    return pid === undefined ? undefined : useOf(pid);
  } catch {
    return undefined;
  }
}

export function ownUse(): Use | undefined {
  try {
    return useOf("self");
  } catch {
    return undefined;
  }
}

function isEngine(pid: string, namespace: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    return command === "dockerd" && readlinkSync(`/proc/${pid}/ns/net`) === namespace;
  } catch {
    return false; // Not a process, or gone.
  }
}

function useOf(pid: string): Use {
  const [, memory = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return { files: readdirSync(`/proc/${pid}/fd`).length, memory: Number(memory) };
}
