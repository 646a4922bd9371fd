import * as z from "zod";
import { has } from "../consul/versions.ts";
import { agentPorts } from "../inputs/agent-defaults.ts";
import { securityFolder } from "./agent-config.ts";

/** Secret IDs of the tokens that one agent has. */
export interface AgentTokens {
  /** The agent's own token. */
  readonly agent: string;
  /** Used for callers without a token, as in DNS queries. */
  readonly dns: string;
  /** Only on servers, which create it in the new cluster. */
  readonly management?: string;
  /** On servers outside the primary datacenter, to replicate its ACLs. */
  readonly replication?: string;
}

/** Everything that an agent of a secured cluster needs. */
export interface AgentSecurity {
  /** Consul version. */
  readonly version: string;
  /** The primary datacenter, whose ACLs apply everywhere. */
  readonly primary: string;
  readonly gossipKey?: string;
  readonly tokens?: AgentTokens;
  /** With `mutual`, HTTPS asks callers for a certificate. */
  readonly tls: boolean | "mutual";
  /** Whether there is a license of Consul Enterprise. */
  readonly hasLicense?: boolean;
}

const licenseFile = `${securityFolder}/license.hclic`;

/** The secret part of an agent's configuration, with the settings that go with it. */
export function securityConfig(security: AgentSecurity): Record<string, unknown> {
  const { version, primary, gossipKey, tokens, tls, hasLicense } = security;
  return {
    ...(gossipKey && { encrypt: gossipKey }),
    ...(tokens && { primary_datacenter: primary, acl: aclConfig(version, tokens) }),
    ...(tokens && !has(version, "noLegacyAclGossip") && fastGossip),
    ...(tls !== false && tlsConfig(version, tls === "mutual")),
    // The community edition ignores it, and says so in its log.
    ...(hasLicense && has(version, "licensePath") && { license_path: licenseFile }),
  };
}

/**
 * Up to 1.10, agents announce by gossip that their ACLs are not legacy ones, and a new leader is not
 * ready until the announcement has reached everyone, LAN and WAN: with the default intervals of 200
 * and 500 ms that takes more than a second. This changes only how often gossip is sent, not when a
 * node is declared failed.
 */
const fastGossip = {
  gossip_lan: { gossip_interval: "25ms" },
  gossip_wan: { gossip_interval: "25ms" },
};

/**
 * How long a client agent remembers what servers said about a token. It also remembers that it got no
 * answer, and then says "ACL not found" for as long: with the default of 30 s, agents that were asked
 * while no server was up refused every request for 30 s after the servers were back (seen on 1.8.7).
 */
const tokenCacheTime = "1s";

/**
 * What a client agent does about a token that it remembers for longer than that: it answers from memory and
 * asks a server meanwhile. By default it asks first, and all requests with this token wait for that answer. If
 * it asks a server that is just being paused or cut off, that is 40 s (yamux notices after 30 and 10), or until
 * the server is back, if it has no connection to it yet (seen on 1.8.7 in 5 of 35 faults of secured followers).
 * Source: `resolveIdentityFromToken` in agent/consul/acl.go of 1.4.4, 1.8.7, 1.19.0, and 2.1.0-dev.
 *
 * An agent that doesn't remember a token asks first all the same, and one up to 1.10 remembers nothing until it has
 * left the legacy mode of ACLs: before a fault, `aclGate` sees to both.
 */
const whileAsking = "async-cache";

function aclConfig(version: string, { agent, dns, management, replication }: AgentTokens) {
  const managementKey = has(version, "initialManagement") ? "initial_management" : "master";
  return {
    enabled: true,
    default_policy: "deny",
    token_ttl: tokenCacheTime,
    down_policy: whileAsking,
    ...(replication && { enable_token_replication: true }),
    tokens: {
      agent,
      [has(version, "dnsToken") ? "dns" : "default"]: dns,
      ...(management && { [managementKey]: management }),
      ...(replication && { replication }),
    },
  };
}

function tlsConfig(version: string, isMutual: boolean) {
  const files = {
    ca_file: `${securityFolder}/ca.pem`,
    cert_file: `${securityFolder}/cert.pem`,
    key_file: `${securityFolder}/key.pem`,
  };
  const { http, grpc } = agentPorts;
  // One port per API, with TLS or without, so that the published ports are the same.
  const grpcPorts = has(version, "grpcTls") ? { grpc: -1, grpc_tls: grpc } : { grpc };
  const ports = { http: -1, https: http, ...grpcPorts };
  // Agents authenticate to each other by certificate; callers of the HTTP API only if they have to, and
  // those of gRPC never.
  if (has(version, "tlsStanza"))
    return {
      ports,
      tls: {
        defaults: { ...files, verify_outgoing: true },
        internal_rpc: { verify_incoming: true, verify_server_hostname: true },
        ...(isMutual && { https: { verify_incoming: true } }),
      },
    };
  return {
    ports,
    ...files,
    verify_incoming_rpc: true,
    ...(isMutual && { verify_incoming_https: true }),
    verify_outgoing: true,
    verify_server_hostname: true,
  };
}

const secretToken = z.string().optional();

/** The parts of any version's `securityConfig` that depend on the agent. */
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
  verify_incoming_https: z.boolean().optional(),
  tls: z.object({ https: z.object({ verify_incoming: z.boolean() }).optional() }).optional(),
});

/**
 * The inverse of `securityConfig`: what it was called with, for whichever version it wrote. Whether there
 * is a license is not in it, as not every version reads one.
 *
 * @param config - a value that `securityConfig` returned
 */
export function securityOf(config: unknown): Omit<AgentSecurity, "version" | "hasLicense"> {
  const written = writtenConfig.parse(config);
  const { encrypt, primary_datacenter: primary = "", acl, ports } = written;
  const isMutual = written.verify_incoming_https ?? written.tls?.https?.verify_incoming ?? false;
  return {
    primary,
    ...(encrypt && { gossipKey: encrypt }),
    ...(acl && { tokens: tokensIn(acl.tokens) }),
    tls: ports !== undefined && (isMutual ? "mutual" : true),
  };
}

type WrittenTokens = NonNullable<z.output<typeof writtenConfig>["acl"]>["tokens"];

function tokensIn({ agent, replication, ...others }: WrittenTokens): AgentTokens {
  const management = others.initial_management ?? others.master;
  return {
    agent,
    dns: others.dns ?? others.default ?? "",
    ...(management && { management }),
    ...(replication && { replication }),
  };
}

/** The name of an agent's token and of its policy. */
export const agentPolicy = (node: string) => `agent-${node}`;

/**
 * Rules of an agent's own token: register its node, and read services. From 2.1, client agents also ask
 * for feature gates.
 */
export function agentRules(node: string, version: string): string {
  const rules = `node "${node}" { policy = "write" } ${readAll("service", version)}`;
  return has(version, "featureGates") ? `${rules} operator = "read"` : rules;
}

/** Rules for DNS queries. */
export const dnsRules = (version: string) =>
  `${readAll("node", version)} ${readAll("service", version)}`;

/**
 * Rules for a datacenter to replicate the primary's ACLs, config entries and intentions.
 *
 * @returns an empty string if only a management token can do this: legacy rules have no `acl`
 */
export const replicationRules = (version: string) =>
  has(version, "chosenSecretId")
    ? `acl = "write" operator = "write" service_prefix "" { policy = "read" intentions = "read" }`
    : "";

/** In the rules of legacy tokens, `node` and `service` are prefixes, and there is no `node_prefix`. */
const readAll = (resource: "node" | "service", version: string) =>
  `${resource}${has(version, "chosenSecretId") ? "_prefix" : ""} "" { policy = "read" }`;
