import { readFileSync } from "node:fs";

/**
 * How many neighbors (addresses on a local network) Linux keeps, for all containers together.
 * Every agent talks to every other, so 33 of them fill the default of 1024. With more, packets are
 * lost until entries expire, and gossip marks members as failed.
 */
const file = "/proc/sys/net/ipv4/neigh/default/gc_thresh3";

/** The machine's limit, as text for the results: it affects large clusters. */
export function neighborRoom(): string {
  try {
    return `room for ${readFileSync(file, "utf8").trim()} neighbors (net.ipv4.neigh.default.gc_thresh3)`;
  } catch (error) {
    return `neighbor limit not readable (${error instanceof Error ? error.message : error})`;
  }
}
