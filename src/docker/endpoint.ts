import { hostname, networkInterfaces } from "node:os";

/**
 * Whether an engine publishes ports on this machine, going by its endpoint. Sockets and pipes are
 * local: also those of virtual machines (Docker Desktop, Colima, podman machine), which forward
 * published ports.
 *
 * @param endpoint - from DOCKER_HOST or a context: `unix:///run/docker.sock`, `ssh://ci@build-2`
 * @param hosts - names and addresses of this machine
 */
export function isLocalEndpoint(endpoint: string, hosts: readonly string[] = ownHosts()): boolean {
  const host = hostIn(endpoint);
  return host === undefined || /^(127\.|localhost$|::1$)/.test(host) || hosts.includes(host);
}

/** @returns the host of an endpoint; undefined for a socket, a pipe, or what can't be read */
function hostIn(endpoint: string): string | undefined {
  if (!/^(tcp|ssh|https?):\/\//.test(endpoint)) return undefined;
  // URL knows an empty port, credentials, and the brackets of IPv6 only for http.
  const url = URL.parse(endpoint.replace(/^\w+:/, "http:"));
  return url?.hostname.replace(/^\[|\]$/g, "");
}

function ownHosts(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return [hostname(), ...addresses.map(({ address }) => address)];
}
