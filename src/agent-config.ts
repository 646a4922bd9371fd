import type { LogLevel, Storage } from "./inputs.ts";

export type Role = "server" | "client";

/** What one agent is told, apart from what the user adds. */
export interface AgentSettings {
  readonly role: Role;
  readonly node: string;
  readonly datacenter: string;
  /** How many servers the datacenter has. */
  readonly servers: number;
  readonly storage: Storage;
  /** Host names of the servers to join. */
  readonly join: readonly string[];
  readonly logLevel: LogLevel;
  /** What the user sets in the agent's environment. */
  readonly env: ReadonlyMap<string, string>;
}

/** Ports inside the container; what is published is a matter of the plan. */
export const agentPorts = { http: 8500, dns: 8600, grpc: 8502 } as const;

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
  const { role, node, datacenter, join, logLevel, env } = settings;
  return [
    "agent",
    `-node=${node}`,
    `-datacenter=${datacenter}`,
    `-log-level=${logLevels[logLevel]}`,
    // The image's entrypoint makes a flag of this variable and puts it before ours, which would
    // win. It takes an empty variable for none.
    ...(env.get("CONSUL_CLIENT_INTERFACE") ? [] : ["-client=0.0.0.0"]),
    ...(role === "server" ? serverArguments(settings) : []),
    ...join.map((host) => `-retry-join=${host}`),
    `-hcl=${JSON.stringify(fastSettings)}`,
  ];
}

/**
 * `-dev` is the one way to keep raft in memory. It makes the agent a server with UI that elects
 * itself within 0.1 s. What else it sets is set back here, or by the flags of every agent.
 */
function serverArguments({ servers, storage }: AgentSettings): string[] {
  return storage === "memory"
    ? ["-dev", `-hcl=${JSON.stringify({ gossip_lan: standardGossip })}`]
    : ["-server", `-bootstrap-expect=${servers}`, "-ui"];
}

/**
 * Consul's own defaults. `-dev` probes ten times as often and waits 0.1 s for an answer: on a busy
 * runner it takes live clients for failed.
 */
const standardGossip = {
  gossip_interval: "200ms",
  probe_interval: "1s",
  probe_timeout: "500ms",
  suspicion_mult: 4,
};

/** `err` is the one spelling of this level that every version knows: 1.4 has no `error`. */
const logLevels: Readonly<Record<LogLevel, string>> = {
  trace: "trace",
  debug: "debug",
  info: "info",
  warn: "warn",
  error: "err",
};

/** Defaults for a short life. Each is Consul's own setting, and the user's `config` overrides it. */
const fastSettings = {
  ports: { grpc: agentPorts.grpc },
  // The shortest raft timers that Consul accepts: an election takes 1 to 2 s instead of 5 to 10.
  performance: { raft_multiplier: 1 },
  // Agents start at once, so the first attempt to join mostly comes too early.
  retry_interval: "200ms",
  // No call to HashiCorp from every job.
  disable_update_check: true,
};
