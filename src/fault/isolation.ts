import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { isolationVolume } from "../find/isolation-mark.ts";
import { labelArguments } from "../plan/labels.ts";

/**
 * Cuts an agent off from others, both ways, while the network's gateway, and with it the published
 * ports, still reaches it.
 *
 * A route to `lo` loses what is sent to an address without an error that the sender would notice,
 * as a broken network does. (A `blackhole` route makes `sendto` fail, and Consul's gossip then takes
 * no one for failed: memberlist's `probeNode`.) With strict reverse-path filtering the kernel also
 * drops whatever comes from such an address.
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
  await docker.runToEnd([...besides(node, filter), "-ec", script, "sh", ...addresses]);
}

/** Undoes `isolate`. */
export async function reconnect(docker: Docker, node: ContainerFacts): Promise<void> {
  const script =
    'ip route | while read -r address dev name rest; do if [ "$name" = lo ]; then ip route del "$address" dev lo; fi; done';
  await docker.runToEnd([...besides(node), "-ec", script]);
  await docker.removeVolumes([isolationVolume(node)]);
}

/** A container in the network namespace of another, since that one may not change its own routes. */
function besides({ Name, Config }: ContainerFacts, ...more: readonly string[]): string[] {
  const rights = ["--cap-add=NET_ADMIN", "--user=0"];
  return [`--network=container:${Name}`, ...more, ...rights, "--entrypoint=sh", Config.Image];
}
