import { readFileSync, writeFileSync } from "node:fs";

/**
 * Linux keeps at most this many neighbors (addresses on a local network), for all containers
 * together. Agents that gossip all get to know one another, so 33 of them fill the standard 1024;
 * with more, packets are lost until entries age, and members are taken for failed.
 */
const file = "/proc/sys/net/ipv4/neigh/default/gc_thresh3";
const enough = 16_384;

/** Makes room for large clusters, where this process may. @returns what became of it, in words */
export function makeRoom(): string {
  try {
    const limit = Number(readFileSync(file, "utf8"));
    if (limit >= enough) return `room for ${limit} neighbors`;
    writeFileSync(file, String(enough));
    process.on("exit", () => writeFileSync(file, String(limit)));
    return `room for ${enough} neighbors (net.ipv4.neigh.default.gc_thresh3; this machine has ${limit})`;
  } catch (error) {
    return `neighbors as they are (${error instanceof Error ? error.message : error})`;
  }
}
