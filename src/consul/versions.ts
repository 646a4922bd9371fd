import gte from "semver/functions/gte.js";

/** Something that differs between versions of Consul. */
export interface Difference {
  /** The first version with it. Its prereleases have it too, unless this is one of them. */
  readonly from: string;
  /** What it is, for docs/versions.md. */
  readonly what: string;
  /** How we know: a file of Consul's sources, a documentation page, a run. */
  readonly source: string;
}

/** All that differs between versions of Consul and matters here, in the order of versions. */
export const differences = {
  acl: {
    from: "1.4.0",
    what: "the ACL system with policies and tokens: input `acl`",
    source: "CHANGELOG of 1.4.0",
  },
  tls: {
    from: "1.4.1",
    what: "`consul tls`, which makes the certificates: input `tls`",
    source: "CHANGELOG of 1.4.1",
  },
  chosenSecretId: {
    from: "1.5.0",
    what: "the secret ID of a new token can be chosen; before, agents get legacy tokens, whose rules have only prefixes, and the replication token is a management token",
    source:
      "CHANGELOG of 1.5.0; agent/consul/acl_endpoint.go; parseLegacy in acl/policy.go of 1.4.4",
  },
  chosenAccessorId: {
    from: "1.5.0",
    what: "the accessor ID of a new token can be chosen; before, a token with one must exist",
    source: "agent/consul/acl_endpoint.go of 1.4.5 and 1.5.0",
  },
  aclRoles: {
    from: "1.5.0",
    what: "ACL roles, and service identities and expiration times of tokens; before, tokens silently lose them",
    source: "CHANGELOG of 1.5.0; agent/structs/acl.go of 1.4.5 and 1.5.0; run on 1.4.4",
  },
  authMethods: {
    from: "1.5.0",
    what: "auth methods and binding rules",
    source: "CHANGELOG of 1.5.0; agent/structs/acl.go of 1.4.5 and 1.5.0",
  },
  configEntries: {
    from: "1.5.0",
    what: "configuration entries: `service-defaults`, `proxy-defaults`",
    source: "CHANGELOG of 1.5.0; agent/structs/config_entry.go; run on 1.4.4",
  },
  namesAreReused: {
    from: "1.5.1",
    what: "a new node takes the name of one that failed; before, its services never get into the catalog: `Node name client-1 is reserved by node <ID>`",
    source: "agent/consul/state/catalog.go of 1.5.0 and 1.5.1; seen on 1.4.4",
  },
  discoveryChainEntries: {
    from: "1.6.0",
    what: "configuration entries `service-router`, `service-splitter`, `service-resolver`",
    source: "agent/structs/config_entry.go of 1.5.3 and 1.6.0",
  },
  syncOnTokenChange: {
    from: "1.6.2",
    what: "an agent whose token is set syncs with the catalog at once; before, one whose first sync failed tries again after 15 to 30 s, so clients start once the tokens are valid, and the step waits until every agent has synced",
    source: "AgentToken in agent/agent_endpoint.go; agent/ae/ae.go; seen on 1.4.4",
  },
  leavesInExchange: {
    from: "1.7.0",
    what: "in each full exchange, agents tell each other which nodes left; before, an agent that missed a `stop` only begins to suspect the node in an exchange, so that the step takes up to 24 s longer",
    source: "`mergeState` of memberlist 0.1.5 and 0.1.6, which are in 1.6.10 and 1.7.0",
  },
  namespaces: {
    from: "1.7.0",
    what: "namespaces of services, keys, and configuration entries, which only Consul Enterprise has",
    source: "CHANGELOG of 1.7.0; documentation",
  },
  gatewayEntries: {
    from: "1.8.0",
    what: "configuration entries `ingress-gateway`, `terminating-gateway`",
    source: "agent/structs/config_entry.go of 1.7.14 and 1.8.0",
  },
  jwtAuthMethods: {
    from: "1.8.0",
    what: "auth methods of type `jwt`; `DisplayName`, `MaxTokenTTL`, and `TokenLocality` of auth methods",
    source: "agent/consul/authmethod/ssoauth and agent/structs/acl.go of 1.7.14 and 1.8.0",
  },
  oidcAuthMethods: {
    from: "1.8.0",
    what: "auth methods of type `oidc`, which only Consul Enterprise accepts",
    source: "agent/consul/authmethod/ssoauth/sso_oss.go of 1.8.0; documentation",
  },
  nodeIdentities: {
    from: "1.8.1",
    what: "node identities of tokens and roles, which binding rules can give, too; up to 1.6, tokens silently lose them",
    source: "agent/structs/acl.go of 1.8.0 and 1.8.1",
  },
  intentionsEntry: {
    from: "1.9.0",
    what: "configuration entry `service-intentions`",
    source: "agent/structs/config_entry.go of 1.8.19 and 1.9.0; run on 1.8.7",
  },
  meshEntry: {
    from: "1.10.0-beta2",
    what: "configuration entry `mesh`",
    source: "agent/structs/config_entry.go of 1.10.0-beta1 and 1.10.0-beta2",
  },
  rsaSigner: {
    from: "1.10.0",
    what: "`consul tls` signs with an RSA key: input `ca-key`; before, only with an EC key",
    source: "`ParseSigner` in tlsutil/generate.go of 1.9.17 and 1.10.0",
  },
  licensePath: {
    from: "1.10.0",
    what: "Consul Enterprise reads its license from a file, `license_path`: input `license`; before, the API takes it",
    source: "agent/config/config.go of 1.9.17 and 1.10.0; documentation of both",
  },
  exportsEntry: {
    from: "1.11.0-rc",
    what: "configuration entry `exported-services`",
    source: "agent/structs/config_entry.go of 1.11.0-beta3 and 1.11.0-rc",
  },
  partitions: {
    from: "1.11.0-rc",
    what: "partitions of services, keys, and configuration entries, which only Consul Enterprise has",
    source: "CHANGELOG of 1.11.0; documentation",
  },
  initialManagement: {
    from: "1.11.0-rc",
    what: "`acl.tokens.initial_management` instead of `acl.tokens.master`",
    source: "agent/config/config.go of 1.11.0-beta3 and 1.11.0-rc",
  },
  noLegacyAclGossip: {
    from: "1.11.0",
    what: "agents no longer announce by gossip that their ACLs are not legacy ones; before, a secured cluster gossips more often, so that a new leader is ready sooner, and a `fault` step waits until agents have left the legacy mode before it pauses servers or cuts them off",
    source: "agent/consul/acl_server.go and acl_client.go up to 1.10; measured on 1.8.7",
  },
  noLegacyTokens: {
    from: "1.11.0",
    what: "legacy tokens, which contain their rules, are no longer valid",
    source: "CHANGELOG of 1.11.0",
  },
  tlsStanza: {
    from: "1.12.0",
    what: "TLS is configured in the `tls` stanza instead of top-level keys",
    source: "CHANGELOG of 1.12.0",
  },
  awsAuthMethods: {
    from: "1.12.0",
    what: "auth methods of type `aws-iam`",
    source: "agent/consul/authmethod/awsauth of 1.11.11 and 1.12.0",
  },
  failoverTargets: {
    from: "1.13.0",
    what: "`Service.Failover.Targets` of prepared queries; before, it is silently lost",
    source: "agent/structs/prepared_query.go of 1.12.9 and 1.13.0",
  },
  grpcTls: {
    from: "1.14.0",
    what: "gRPC with TLS has its own port, `ports.grpc_tls`",
    source: "CHANGELOG of 1.14.0",
  },
  peering: {
    from: "1.14.0",
    what: "peering of datacenters: key `peerings`; 1.13 has it as a beta, with another API and without gRPC's own port for TLS",
    source: "CHANGELOG of 1.14.0; agent/rpc/peering of 1.13.9 and 1.14.0",
  },
  connectByDefault: {
    from: "1.14.0",
    what: "Connect is on by default; before, `-dev` turns it on, so a server with `storage: memory` is told to leave it off",
    source: "CHANGELOG of 1.14.0; agent/config/default.go of 1.13.9 and 1.14.0",
  },
  apiGatewayEntries: {
    from: "1.15.0",
    what: "configuration entries `api-gateway`, `bound-api-gateway`, `http-route`, `tcp-route`, `inline-certificate`",
    source: "agent/structs/config_entry.go of 1.14.11 and 1.15.0",
  },
  leadershipTransfer: {
    from: "1.15.0",
    what: "a leader hands over when it is asked to: an upgrade asks it before it is replaced; before, the others elect a leader once they have missed it for 1 to 2 s",
    source: "CHANGELOG of 1.15.0; agent/http_register.go of 1.14.11 and 1.15.0",
  },
  jwtEntry: {
    from: "1.16.0",
    what: "configuration entry `jwt-provider`",
    source: "agent/structs/config_entry.go of 1.15.11 and 1.16.0",
  },
  enterpriseEntries: {
    from: "1.16.0",
    what: "configuration entries `sameness-group`, `control-plane-request-limit`, which only Consul Enterprise accepts",
    source:
      "agent/structs/config_entry.go of 1.15.11 and 1.16.0, config_entry_sameness_group_oss.go of 1.16.0; documentation of both",
  },
  dnsToken: {
    from: "1.17.0",
    what: "`acl.tokens.dns`; before, agents use their default token for DNS, as for HTTP requests without a token",
    source: "CHANGELOG of 1.17.0",
  },
  templatedPolicies: {
    from: "1.17.0",
    what: "templated policies of tokens and roles, which binding rules can give, too",
    source: "agent/structs/acl.go of 1.16.7 and 1.17.0",
  },
  policyBindings: {
    from: "1.18.0",
    what: "binding rules that give a policy",
    source: "agent/structs/acl.go of 1.17.4 and 1.18.0",
  },
  fileCertificateEntry: {
    from: "1.19.0",
    what: "configuration entry `file-system-certificate`",
    source: "agent/structs/config_entry.go of 1.18.2 and 1.19.0",
  },
  walLogStore: {
    from: "1.20.0",
    what: "new servers keep Raft's log in a write-ahead log, which earlier versions do not read",
    source: "`setupRaft` in agent/consul/server.go of 1.18.2 and 1.20.0-rc1",
  },
  rateLimitEntry: {
    from: "2.0.0",
    what: "configuration entry `rate-limit`, which only Consul Enterprise accepts",
    source: "CHANGELOG of 2.0.0",
  },
  featureGates: {
    from: "2.1.0",
    what: 'feature gates; client agents ask for them with their own token, which therefore allows `operator = "read"`',
    source: "https://developer.hashicorp.com/consul/docs/manage/feature-gates",
  },
} as const satisfies Readonly<Record<string, Difference>>;

export type DifferenceName = keyof typeof differences;

/**
 * Whether a version has a difference of the table.
 *
 * @param version - as `versionNumber` returns it; build metadata, such as `+ent`, is ignored
 * @throws TypeError if `version` is not a version
 */
export function has(version: string, difference: DifferenceName): boolean {
  const { from } = differences[difference];
  return gte(version, from.includes("-") ? from : `${from}-0`);
}

/** The first version with a difference, as people write it: `1.5`, `1.8.1`. */
export const firstVersion = (difference: DifferenceName): string =>
  differences[difference].from.replace(/(?:\.0)?(?:-.*)?$/, "");
