/** The container through which the runner reaches agents on other engines. */
import { loopback } from "../docker/ports.ts";
import { agentPorts } from "../inputs/agent-defaults.ts";
import { labelNames, type Owner } from "./labels.ts";
import type { AgentPlan, AgentsPlan } from "./plan.ts";
import { helperArguments } from "./volumes.ts";

/** The agents that nothing is published for on the job's own engine. */
export const agentsElsewhere = (agents: readonly AgentPlan[]) => agents.filter(isElsewhere);

export const isElsewhere = ({ place }: AgentPlan) => place !== undefined && !place.isHere;

/** The last line of a forwarder's log while it forwards. */
export const forwarding = "Forwarding";

/**
 * The kernel forwards, with rules that the machine's own iptables makes in the container's network: every
 * engine has made its own with it, while few images have a program that forwards TCP, and fewer one for UDP.
 * An image may have iptables, too.
 *
 * Its arguments are rules of the table `nat`.
 */
const makeRules = `
there() { chroot /engine /bin/sh -c 'exec "$@"' sh "$@"; }
if there iptables-restore --version >/dev/null 2>&1; then
  restore() { there env XTABLES_LOCKFILE=/dev/null iptables-restore; }
elif command -v iptables-restore >/dev/null 2>&1; then
  restore() { iptables-restore; }
else
  echo "There is no iptables, neither on the engine's machine nor in the image." >&2
  exit 1
fi
printf '%s\\n' '*nat' "$@" COMMIT | restore
`;

/** A port of the runner's loopback, and what it leads to. */
interface Way {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  readonly to: string;
}

const waysTo = (agents: readonly AgentPlan[]): Way[] =>
  agentsElsewhere(agents).flatMap(({ place, publications }) =>
    publications.flatMap(({ name, port }) =>
      (name === "dns" ? (["tcp", "udp"] as const) : (["tcp"] as const)).map((protocol) => ({
        protocol,
        port,
        to: `${place?.address}:${agentPorts[name]}`,
      })),
    ),
  );

/** Answers come back through the container, too. */
const rulesFor = (ways: readonly Way[]) => [
  ...ways.map(
    ({ protocol, port, to }) =>
      `-A PREROUTING -p ${protocol} --dport ${port} -j DNAT --to-destination ${to}`,
  ),
  "-A POSTROUTING -j MASQUERADE",
];

/** What the rules take: rights to its own network, and the programs of the engine's machine. */
const options = [
  "--sysctl=net.ipv4.ip_forward=1",
  "--cap-add=NET_ADMIN",
  "--user=0",
  "--mount=type=bind,source=/,destination=/engine,readonly",
  // Programs of the machine, even if SELinux keeps them from containers.
  "--security-opt=label=disable",
  "--env=PATH=/usr/sbin:/usr/bin:/sbin:/bin",
  "--entrypoint=sh",
];

/**
 * The name of the forwarder that leads to these agents: one that leads to agents which come later has the
 * name of the first of them.
 */
export const forwarderName = (
  { prerequisites, isNew }: Pick<AgentsPlan, "prerequisites" | "isNew">,
  agents: readonly AgentPlan[],
): string => {
  const [first] = isNew ? [] : agentsElsewhere(agents);
  return forwarderOf(prerequisites.clusterId, first?.node);
};

/** The name of a cluster's forwarder. @param node - that came later, and that it leads to */
export const forwarderOf = (clusterId: string, node?: string): string =>
  ["consul", clusterId, "forwarder", ...(node === undefined ? [] : [node])].join("-");

/**
 * `docker run` arguments for a forwarder to these agents. It starts on the engine's own bridge network, which
 * takes a third of the time, and has its ports from then on; to forward it must be connected to the
 * cluster's network as well. It makes its rules whenever it starts.
 */
export function forwarderArguments(plan: AgentsPlan, agents: readonly AgentPlan[]): string[] {
  const ways = waysTo(agents);
  return [
    `--name=${forwarderName(plan, agents)}`,
    ...helperArguments(plan.prerequisites),
    `--label=${labelNames.forwarder}=true`,
    `--label=${labelNames.ports}=${[...new Set(ways.map(({ port }) => port))].join()}`,
    // As the first process it ends with no other.
    "--stop-signal=KILL",
    ...options,
    ...ways.map(({ protocol, port }) => `--publish=${loopback}:${port}:${port}/${protocol}`),
    plan.prerequisites.image.reference,
    "-ec",
    `${makeRules}echo ${forwarding}; exec tail -f /dev/null`,
    "sh",
    ...rulesFor(ways),
  ];
}

/** `docker run` arguments for a container that tries whether rules can be made, in a network of its own. */
export const forwarderTrialArguments = (owner: Owner, image: string): string[] => [
  "--network=none",
  ...helperArguments(owner),
  ...options,
  image,
  "-ec",
  makeRules,
  "sh",
  ...rulesFor(
    (["tcp", "udp"] as const).map((protocol) => ({ protocol, port: 1, to: "192.0.2.1:1" })),
  ),
];
