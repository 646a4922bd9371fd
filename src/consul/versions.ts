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
    what: "the secret ID of a new token can be chosen; before, agents get legacy tokens",
    source: "CHANGELOG of 1.5.0; agent/consul/acl_endpoint.go",
  },
  initialManagement: {
    from: "1.11.0-rc",
    what: "`acl.tokens.initial_management` instead of `acl.tokens.master`",
    source: "agent/config/config.go of 1.11.0-beta3 and 1.11.0-rc",
  },
  noLegacyAclGossip: {
    from: "1.11.0",
    what: "agents no longer announce by gossip that their ACLs are not legacy ones; before, a secured cluster gossips more often, so that a new leader is ready sooner",
    source: "agent/consul/acl_server.go up to 1.10; measured on 1.8.7",
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
  grpcTls: {
    from: "1.14.0",
    what: "gRPC with TLS has its own port, `ports.grpc_tls`",
    source: "CHANGELOG of 1.14.0",
  },
  dnsToken: {
    from: "1.17.0",
    what: "`acl.tokens.dns`; before, agents use their default token for DNS, as for HTTP requests without a token",
    source: "CHANGELOG of 1.17.0",
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
