import type { LogLevel, Role, Security, Storage } from "../inputs/cluster-spec.ts";

/** What one agent is told, apart from what the user adds. */
export interface AgentSettings {
  readonly role: Role;
  readonly node: string;
  readonly datacenter: string;
  /** The primary datacenter's name where there are several; empty where there is one. */
  readonly primary: string;
  /** How many servers the datacenter has. */
  readonly servers: number;
  readonly storage: Storage;
  /** Host names of the servers to join. */
  readonly join: readonly string[];
  /** Host names of the other datacenters' servers, for a server to join over WAN. */
  readonly joinWan: readonly string[];
  readonly logLevel: LogLevel;
  /** What the user sets in the agent's environment. */
  readonly env: ReadonlyMap<string, string>;
  readonly security: Security;
}

/** Ports inside the container; what is published is a matter of the plan. */
export const agentPorts = { http: 8500, dns: 8600, grpc: 8502 } as const;

/**
 * Where a secured agent has its part of the configuration that is secret: `agent.json`; with TLS
 * `ca.pem`, `cert.pem` and `key.pem`; with ACLs, on servers, the management `token`. Not within
 * the folder that CONSUL_CONFIG_DIR names, so that it is read once, whatever that is.
 */
export const securityFolder = "/consul/security";

/** Whether an agent needs files of its own before it starts. */
export const isSecured = ({ acl, gossipEncryption, tls }: Security) =>
  acl || gossipEncryption || tls;

/**
 * The agent's command line, for every Consul from 1.4 to 2.1. What differs between versions
 * belongs in this file.
 *
 * Consul merges `-hcl` fragments after all flags, so a fragment of the user's that follows wins
 * over everything here (agent/config/builder.go).
 *
 * @returns arguments for the image's entrypoint, beginning with `agent`
 */
export function agentArguments(settings: AgentSettings): string[] {
  const { role, node, datacenter, servers, join, joinWan, logLevel, env, security } = settings;
  const { primary } = settings;
  // `-dev` is the one way to keep raft in memory. It makes the agent a server with UI that elects
  // itself within 0.1 s. What else it sets, our flags and settings set back.
  const inMemory = role === "server" && settings.storage === "memory";
  return [
    "agent",
    `-node=${node}`,
    `-datacenter=${datacenter}`,
    `-log-level=${logLevels[logLevel]}`,
    // The image's entrypoint makes a flag of this variable and puts it before ours, which would
    // win. It takes an empty variable for none.
    ...(env.get("CONSUL_CLIENT_INTERFACE") ? [] : ["-client=0.0.0.0"]),
    ...(inMemory ? ["-dev"] : []),
    ...(role === "server" && !inMemory ? ["-server", `-bootstrap-expect=${servers}`, "-ui"] : []),
    ...join.map((host) => `-retry-join=${host}`),
    ...joinWan.map((host) => `-retry-join-wan=${host}`),
    ...(isSecured(security) ? [`-config-file=${securityFolder}/agent.json`] : []),
    // With TLS the ports are in the file, as they depend on the version.
    `-hcl=${JSON.stringify({ ...(security.tls ? {} : openPorts), ...fastSettings, ...(inMemory && standardProbes) })}`,
    ...(primary === "" ? [] : [`-hcl=${JSON.stringify(federationOf(primary))}`]),
  ];
}

/** What agents of several datacenters are told of each other. */
const federationOf = (primary: string) => ({
  primary_datacenter: primary,
  retry_interval_wan: "200ms",
});

/**
 * Consul's own defaults. `-dev` probes ten times as often and waits 0.1 s for an answer: on a busy
 * runner it takes live clients for failed. That it passes news on twice as often does no harm.
 */
const standardProbes = {
  gossip_lan: { probe_interval: "1s", probe_timeout: "500ms", suspicion_mult: 4 },
  gossip_wan: { probe_interval: "5s", probe_timeout: "3s", suspicion_mult: 6 },
};

/** Environment of a secured agent's container, so that Consul's CLI works in it. Nothing secret. */
export function securedEnvironment({ tls }: Security): Readonly<Record<string, string>> {
  if (!tls) return {};
  return {
    CONSUL_HTTP_ADDR: `https://127.0.0.1:${agentPorts.http}`,
    CONSUL_CACERT: `${securityFolder}/ca.pem`,
  };
}

/** `err` is the one spelling of this level that every version knows: 1.4 has no `error`. */
const logLevels: Readonly<Record<LogLevel, string>> = {
  trace: "trace",
  debug: "debug",
  info: "info",
  warn: "warn",
  error: "err",
};

const openPorts = { ports: { grpc: agentPorts.grpc } };

/** Defaults for a short life. Each is Consul's own setting, and the user's `config` overrides it. */
const fastSettings = {
  // The shortest raft timers that Consul accepts: an election takes 1 to 2 s instead of 5 to 10.
  performance: { raft_multiplier: 1 },
  // Agents start at once, so the first attempt to join mostly comes too early.
  retry_interval: "200ms",
  autopilot: {
    // A server that returns gets its vote at autopilot's next round, not 10 s after (measured: 9 s
    // instead of 19 s, Consul 1.8.7).
    server_stabilization_time: "0s",
    // A server that is killed keeps its vote and has it when it returns. Autopilot would take it out
    // of raft at its next round, up to 10 s later, and give it the vote back at the one after.
    cleanup_dead_servers: false,
  },
  // No call to HashiCorp from every job.
  disable_update_check: true,
};
