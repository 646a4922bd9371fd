/** The address at which agents reach the machine, or the container, that the job runs in. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIP, isIPv4 } from "node:net";
import { parseTar } from "nanotar";
import type { Docker } from "../docker/docker.ts";
import { agentPorts, hostName } from "../inputs/agent-defaults.ts";
import type { AgentPlan } from "../plan/plan.ts";

/**
 * Finds the address at which agents reach what listens on the runner. A job in a container on the
 * cluster's network listens there itself.
 *
 * @param agent - one that runs
 * @returns an IP address; empty if the agent knows none
 */
export async function findHostAddress(docker: Docker, agent: AgentPlan): Promise<string> {
  if (agent.publications.length === 0) return ownAddressTowards(agent.host);
  const archive = await docker.getArchive(agent.container, "/etc/hosts");
  const [file] = archive ? parseTar(archive) : [];
  return addressOfHost(file?.text ?? "");
}

/**
 * The engine's machine in an agent's hosts file.
 *
 * @param hosts - the file
 * @returns its IPv4 address, or else its IPv6 address; empty if it has none
 */
export function addressOfHost(hosts: string): string {
  const entries = hosts.split("\n").map((line) => line.replace(/#.*/, "").trim().split(/\s+/));
  const addresses = entries.flatMap(([ip = "", ...names]) =>
    isIP(ip) && names.includes(hostName) ? [ip] : [],
  );
  return addresses.find(isIPv4) ?? addresses[0] ?? "";
}

/** This process's address in the network that leads to a host. No packet is sent. */
async function ownAddressTowards(host: string): Promise<string> {
  const socket = createSocket("udp4");
  try {
    socket.connect(agentPorts.dns, host);
    await once(socket, "connect");
    return socket.address().address;
  } finally {
    socket.close();
  }
}
