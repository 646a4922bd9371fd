import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { isolationVolume } from "../find/isolation-mark.ts";
import { labelArguments } from "../plan/labels.ts";

/**
 * Cuts an agent off from others, in both directions. The network's gateway, and with it the
 * published ports, still reaches it.
 *
 * A route to `lo` drops what is sent to an address without an error for the sender, as a broken
 * network does. (A `blackhole` route makes `sendto` fail, and then Consul's gossip sees no
 * agent as failed: memberlist's `probeNode`.) With strict reverse-path filtering the kernel also drops
 * whatever comes from such an address.
 *
 * @param addresses - the others' IPv4 addresses
 */
export async function isolate(
  docker: Docker,
  clusterId: string,
  node: ContainerFacts,
  addresses: readonly string[],
): Promise<void> {
  await docker.createVolume([
    ...labelArguments({ clusterId, jobLabels: {} }),
    isolationVolume(node),
  ]);
  const filter = "--sysctl=net.ipv4.conf.all.rp_filter=1";
  const script = 'for address; do ip route replace "$address" dev lo; done';
  await docker.runToEnd([...inNetworkOf(node, filter), "-ec", script, "sh", ...addresses]);
}

/** Undoes `isolate`. */
export async function reconnect(docker: Docker, node: ContainerFacts): Promise<void> {
  const script =
    'ip route | while read -r address dev name rest; do if [ "$name" = lo ]; then ip route del "$address" dev lo; fi; done';
  await docker.runToEnd([...inNetworkOf(node), "-ec", script]);
  await docker.removeVolumes([isolationVolume(node)]);
}

/** Options of a container in a node's network namespace: the node itself may not change its routes. */
function inNetworkOf({ Name, Config }: ContainerFacts, ...more: readonly string[]): string[] {
  const rights = ["--cap-add=NET_ADMIN", "--user=0"];
  return [`--network=container:${Name}`, ...more, ...rights, "--entrypoint=sh", Config.Image];
}
