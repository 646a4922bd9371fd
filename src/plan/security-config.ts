import * as z from "zod";
import { isAtLeast } from "../consul/versions.ts";
import { agentPorts, securityFolder } from "./agent-config.ts";

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
