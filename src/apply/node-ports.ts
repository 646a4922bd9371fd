import type { Docker } from "../docker/docker.ts";
import { freePorts } from "../docker/ports.ts";
import { labelNames, portsFilter } from "../plan/labels.ts";

/**
 * Finds ports of the loopback for nodes. Those of a stopped node, or of a stopped forwarder to nodes, are free
 * at the moment, but it needs them again, so no other cluster gets them.
 *
 * @param count - how many; all are different
 */
export async function portsForNodes(
  docker: Pick<Docker, "labeledContainers">,
  count: number,
): Promise<number[]> {
  if (count === 0) return [];
  const containers = await docker.labeledContainers([portsFilter], [labelNames.ports]);
  const kept = containers.flatMap(({ values: [ports = ""] }) => ports.split(",").map(Number));
  return freePorts(count, new Set(kept));
}
