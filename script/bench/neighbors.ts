import { readFileSync } from "node:fs";

/**
 * How many neighbors (addresses on a local network) Linux keeps, for all containers together.
 * Agents that gossip all get to know one another, so 33 of them fill the standard 1024; with more,
 * packets are lost until entries age, and members are taken for failed.
 */
const file = "/proc/sys/net/ipv4/neigh/default/gc_thresh3";

/** The machine's limit, in words for the results: it decides how large clusters fare. */
export function neighborRoom(): string {
  try {
    return `room for ${readFileSync(file, "utf8").trim()} neighbors (net.ipv4.neigh.default.gc_thresh3)`;
  } catch (error) {
    return `limit of neighbors not readable (${error instanceof Error ? error.message : error})`;
  }
}
