import * as z from "zod";
import { isAtLeast } from "../consul/versions.ts";
import type { LogLevel, Security, Storage } from "../inputs/inputs.ts";

export type Role = "server" | "client";

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

/** The tokens that one agent knows. */
export interface AgentTokens {
  /** The agent's own. */
  readonly agent: string;
  /** For what it asks on behalf of somebody without a token. */
  readonly dns: string;
  /** On servers only, which put it into the new cluster's store. */
  readonly management?: string;
  /** On servers of every datacenter but the primary, to copy the primary's ACLs with. */
  readonly replication?: string;
}

/** What makes an agent a member of a secured cluster. */
export interface AgentSecurity {
  /** Consul's own version. */
  readonly version: string;
  /** The datacenter whose ACLs hold everywhere. */
  readonly primary: string;
  readonly gossipKey?: string;
  readonly tokens?: AgentTokens;
  readonly tls: boolean;
}

/** The first version that has all that an input needs. `consul tls` came after the ACL system. */
export const firstVersions = { acl: "1.4.0", tls: "1.4.1" } as const;

export function isMissing(input: keyof typeof firstVersions, version: string): boolean {
  return !isAtLeast(version, firstVersions[input]);
}

/** The part of an agent's configuration that is secret, and what is of no use without it. */
export function securityConfig(security: AgentSecurity): Record<string, unknown> {
  const { version, primary, gossipKey, tokens, tls } = security;
  return {
    ...(gossipKey && { encrypt: gossipKey }),
    ...(tokens && { primary_datacenter: primary, acl: aclConfig(version, tokens) }),
    ...(tokens && !isAtLeast(version, "1.11.0") && fastGossip),
    ...(tls && tlsConfig(version)),
  };
}

/**
 * Up to 1.10 agents tell each other by gossip that their ACLs are not of the legacy kind, and a new
 * leader is not done before it has told all, LAN and WAN: with the default intervals of 200 and
 * 500 ms that takes more than a second. This is how often news is passed on; when a node counts as
 * failed is another setting.
 */
const fastGossip = {
  gossip_lan: { gossip_interval: "25ms" },
  gossip_wan: { gossip_interval: "25ms" },
};

function aclConfig(version: string, { agent, dns, management, replication }: AgentTokens) {
  const managementKey = isAtLeast(version, "1.11.0") ? "initial_management" : "master";
  return {
    enabled: true,
    default_policy: "deny",
    ...(replication && { enable_token_replication: true }),
    tokens: {
      agent,
      [hasDnsToken(version) ? "dns" : "default"]: dns,
      ...(management && { [managementKey]: management }),
      ...(replication && { replication }),
    },
  };
}

/** Before this, agents answer DNS with their default token, as they do HTTP without a token. */
export const hasDnsToken = (version: string) => isAtLeast(version, "1.17.0");

function tlsConfig(version: string) {
  const files = {
    ca_file: `${securityFolder}/ca.pem`,
    cert_file: `${securityFolder}/cert.pem`,
    key_file: `${securityFolder}/key.pem`,
  };
  const { http, grpc } = agentPorts;
  // One port for each API, whichever scheme it speaks: what is published is the same with TLS.
  const grpcPorts = isAtLeast(version, "1.14.0") ? { grpc: -1, grpc_tls: grpc } : { grpc };
  const ports = { http: -1, https: http, ...grpcPorts };
  // Agents prove to each other who they are; whoever calls the HTTP API does so by a token.
  if (isAtLeast(version, "1.12.0"))
    return {
      ports,
      tls: {
        defaults: { ...files, verify_outgoing: true },
        internal_rpc: { verify_incoming: true, verify_server_hostname: true },
      },
    };
  return {
    ports,
    ...files,
    verify_incoming_rpc: true,
    verify_outgoing: true,
    verify_server_hostname: true,
  };
}

const secretToken = z.string().optional();

/** What any version's `securityConfig` has that is not the same for every agent. */
const writtenConfig = z.object({
  encrypt: z.string().optional(),
  primary_datacenter: z.string().optional(),
  acl: z
    .object({
      tokens: z.object({
        agent: z.string(),
        default: secretToken,
        dns: secretToken,
        master: secretToken,
        initial_management: secretToken,
        replication: secretToken,
      }),
    })
    .optional(),
  ports: z.object({ https: z.number() }).optional(),
});

/**
 * What `securityConfig` was given, whichever version it wrote for: its inverse.
 *
 * @param config - as `securityConfig` made it
 */
export function securityOf(config: unknown): Omit<AgentSecurity, "version"> {
  const written = writtenConfig.parse(config);
  const { encrypt, primary_datacenter: primary = "", acl, ports } = written;
  return {
    primary,
    ...(encrypt && { gossipKey: encrypt }),
    ...(acl && { tokens: tokensIn(acl.tokens) }),
    tls: ports !== undefined,
  };
}

type WrittenTokens = NonNullable<z.output<typeof writtenConfig>["acl"]>["tokens"];

function tokensIn({ agent, replication, ...named }: WrittenTokens): AgentTokens {
  const management = named.initial_management ?? named.master;
  return {
    agent,
    dns: named.dns ?? named.default ?? "",
    ...(management && { management }),
    ...(replication && { replication }),
  };
}

/** What an agent's own token allows: to register its node, and to see which services it has. */
export const agentRules = (node: string) =>
  `node "${node}" { policy = "write" } service_prefix "" { policy = "read" }`;

/** What is allowed to whoever asks by DNS. */
export const dnsRules = `node_prefix "" { policy = "read" } service_prefix "" { policy = "read" }`;

/** What a datacenter needs of the primary to have the same ACLs, config entries and intentions. */
export const replicationRules = `acl = "write" operator = "write" service_prefix "" { policy = "read" intentions = "read" }`;

/** Whether whoever makes a token may choose its secret ID. */
export const canChooseSecret = (version: string) => isAtLeast(version, "1.5.0");

/** Whether tokens that hold their rules themselves, as `createLegacyToken` makes them, are valid. */
export const takesLegacyTokens = (version: string) => !isAtLeast(version, "1.11.0");

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
  // A server that returns gets its vote at autopilot's next round, not 10 s after (measured: 9 s
  // instead of 19 s, Consul 1.8.7).
  autopilot: { server_stabilization_time: "0s" },
  // No call to HashiCorp from every job.
  disable_update_check: true,
};
