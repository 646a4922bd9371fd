/** The container through which the runner reaches agents on other engines. */
import { loopback } from "../docker/ports.ts";
import { agentPorts } from "../inputs/agent-defaults.ts";
import { labelArguments, labelNames } from "./labels.ts";
import type { AgentPlan, AgentsPlan } from "./plan.ts";

/** The agents that nothing is published for on the job's own engine. */
export const agentsElsewhere = (agents: readonly AgentPlan[]) =>
  agents.filter(({ place }) => place !== undefined && !place.isHere);

/**
 * The kernel forwards, with rules that the machine's own iptables makes in the container's network: every
 * engine has made its own with it, while few images have a program that forwards TCP, and fewer one for UDP.
 *
 * Its arguments are, for each port: the protocol, the port, and what it leads to.
 */
const script = `
iptables() { chroot /engine /bin/sh -c 'exec "$@"' sh env XTABLES_LOCKFILE=/dev/null iptables -t nat "$@"; }
while [ $# -gt 0 ]; do
  iptables -A PREROUTING -p "$1" --dport "$2" -j DNAT --to-destination "$3"
  shift 3
done
iptables -A POSTROUTING -j MASQUERADE
exec tail -f /dev/null
`;

/** The container of a cluster's forwarder. @param node - that came later, and has one of its own */
export const forwarderName = (clusterId: string, node = "") =>
  `consul-${clusterId}-forwarder${node === "" ? "" : `-${node}`}`;

/**
 * `docker run` arguments for a forwarder.
 *
 * @param agents - those that it leads to, if they are elsewhere
 * @param name - of its container
 */
export function forwarderArguments(
  { prerequisites, network }: AgentsPlan,
  agents: readonly AgentPlan[],
  name = forwarderName(prerequisites.clusterId),
): string[] {
  const ports = agentsElsewhere(agents).flatMap(({ place, publications }) =>
    publications.flatMap(({ name, port }) =>
      (name === "dns" ? ["tcp", "udp"] : ["tcp"]).map((protocol) => ({
        protocol,
        port: String(port),
        to: `${place?.address}:${agentPorts[name]}`,
      })),
    ),
  );
  return [
    `--name=${name}`,
    ...labelArguments(prerequisites),
    `--label=${labelNames.forwarder}=true`,
    `--network=${network}`,
    "--sysctl=net.ipv4.ip_forward=1",
    "--cap-add=NET_ADMIN",
    "--user=0",
    "--mount=type=bind,source=/,destination=/engine,readonly",
    "--security-opt=label=disable",
    "--env=PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    ...ports.map(({ protocol, port }) => `--publish=${loopback}:${port}:${port}/${protocol}`),
    "--entrypoint=sh",
    prerequisites.image.reference,
    "-ec",
    script,
    "sh",
    ...ports.flatMap(({ protocol, port, to }) => [protocol, port, to]),
  ];
}
