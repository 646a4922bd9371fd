import type { Docker } from "./docker.ts";

/** Whom it takes to cut a node off. */
export interface Isolated {
  readonly container: string;
  /** The image of the cluster, whose `ip` does it. */
  readonly image: string;
}

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
  { container, image }: Isolated,
  addresses: readonly string[],
): Promise<void> {
  const filter = "--sysctl=net.ipv4.conf.all.rp_filter=1";
  const script = 'for address; do ip route replace "$address" dev lo; done';
  await docker.runToEnd([...besides(container, filter), image, "-ec", script, "sh", ...addresses]);
}

/** Undoes `isolate`. */
export async function reconnect(docker: Docker, { container, image }: Isolated): Promise<void> {
  const script =
    'ip route | while read -r address dev name rest; do if [ "$name" = lo ]; then ip route del "$address" dev lo; fi; done';
  await docker.runToEnd([...besides(container), image, "-ec", script]);
}

/** @returns whether these routes, as `ip route` lists them, are those of an isolated node */
export function cutsOff(routes: string): boolean {
  return / dev lo( |$)/m.test(routes);
}

/** A container in the network namespace of another, since that one may not change its own routes. */
function besides(container: string, ...more: readonly string[]): string[] {
  const rights = ["--cap-add=NET_ADMIN", "--user=0"];
  return [`--network=container:${container}`, ...more, ...rights, "--entrypoint=sh"];
}
