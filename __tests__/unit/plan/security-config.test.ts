import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AgentSecurity,
  agentRules,
  dnsRules,
  replicationRules,
  securityConfig,
  securityOf,
} from "../../../src/plan/security-config.ts";

const tokens = { agent: "a", dns: "d", management: "m" };

const configOf = (version: string) =>
  securityConfig({ version, primary: "dc1", gossipKey: "k", tokens, tls: true });

describe("an agent's secret configuration", () => {
  test("is empty if nothing is enabled", () => {
    expect(securityConfig({ version: "1.8.7", primary: "dc1", tls: false })).toEqual({});
  });

  test("has the management token under the version's name for it, and only on servers", () => {
    expect(configOf("1.10.12").acl).toMatchObject({ tokens: { master: "m", agent: "a" } });
    expect(configOf("1.11.0").acl).toMatchObject({ tokens: { initial_management: "m" } });
    const client = { version: "1.8.7", primary: "dc1", tokens: { agent: "a", dns: "d" } };
    expect(securityConfig({ ...client, tls: false }).acl).toEqual({
      enabled: true,
      default_policy: "deny",
      token_ttl: "1s",
      down_policy: "async-cache",
      tokens: { agent: "a", default: "d" },
    });
  });

  test("has a DNS token if the version supports it", () => {
    expect(configOf("1.16.6").acl).toMatchObject({ tokens: { default: "d" } });
    expect(configOf("1.17.0").acl).toEqual({
      enabled: true,
      default_policy: "deny",
      token_ttl: "1s",
      down_policy: "async-cache",
      tokens: { agent: "a", dns: "d", initial_management: "m" },
    });
  });

  test("has TLS at the top level before 1.12, in its own stanza since", () => {
    const files = {
      ca_file: "/consul/security/ca.pem",
      cert_file: "/consul/security/cert.pem",
      key_file: "/consul/security/key.pem",
    };
    const old = configOf("1.11.11");
    expect(old).toMatchObject({
      ...files,
      verify_incoming_rpc: true,
      verify_outgoing: true,
      verify_server_hostname: true,
    });
    expect(old).not.toHaveProperty("tls");
    const current = configOf("1.12.0");
    expect(current.tls).toEqual({
      defaults: { ...files, verify_outgoing: true },
      internal_rpc: { verify_incoming: true, verify_server_hostname: true },
    });
    expect(current).not.toHaveProperty("verify_outgoing");
  });

  test("has HTTPS ask callers for a certificate if TLS is mutual, and nothing else", () => {
    const mutual = (version: string) =>
      securityConfig({ version, primary: "dc1", gossipKey: "k", tokens, tls: "mutual" });
    expect(mutual("1.11.11")).toEqual({ ...configOf("1.11.11"), verify_incoming_https: true });
    expect(mutual("1.12.0")).toMatchObject({ tls: { https: { verify_incoming: true } } });
    expect(mutual("1.12.0")).not.toHaveProperty("verify_incoming_https");
    for (const version of ["1.11.11", "1.12.0"]) {
      expect(configOf(version)).not.toHaveProperty("verify_incoming_https");
      expect(configOf(version)).not.toHaveProperty("tls.https");
    }
  });

  test("has one port for HTTP and one for gRPC, with TLS or without", () => {
    expect(configOf("1.13.9").ports).toEqual({ http: -1, https: 8500, grpc: 8502 });
    expect(configOf("1.14.0").ports).toEqual({ http: -1, https: 8500, grpc: -1, grpc_tls: 8502 });
  });
});

// Before and after every change that securityConfig handles.
const versions = [
  ...["1.4.1", "1.8.7", "1.10.12", "1.11.0-rc1", "1.11.11", "1.12.0", "1.13.9"],
  ...["1.14.0", "1.16.6+ent", "1.17.0", "1.22.3", "2.1.0"],
];

const anyVersion = fc.constantFrom(...versions);

const anySecret = fc.string({ minLength: 1 });

const anySecurity: fc.Arbitrary<Omit<AgentSecurity, "version">> = fc.record(
  {
    primary: anySecret,
    gossipKey: anySecret,
    tokens: fc.record(
      { agent: anySecret, dns: anySecret, management: anySecret, replication: anySecret },
      { requiredKeys: ["agent", "dns"] },
    ),
    tls: fc.constantFrom(true, false, "mutual" as const),
  },
  { requiredKeys: ["primary", "tls"] },
);

test("a configuration converted to another version is the one that this version would have got", () => {
  fc.assert(
    fc.property(anySecurity, anyVersion, anyVersion, (security, old, version) => {
      const written = JSON.parse(JSON.stringify(securityConfig({ ...security, version: old })));
      const expected = securityConfig({ ...security, version });
      expect(securityConfig({ ...securityOf(written), version })).toEqual(expected);
    }),
  );
});

describe("rules of tokens", () => {
  const read = (resource: string) => `${resource} "" { policy = "read" }`;

  test.each(["1.4.0", "1.4.4-dev", "1.4.5"])("are those of legacy tokens in %s", (version) => {
    const own = 'node "client-1" { policy = "write" }';
    expect(agentRules("client-1", version)).toBe(`${own} ${read("service")}`);
    expect(dnsRules(version)).toBe(`${read("node")} ${read("service")}`);
    expect(replicationRules(version)).toBe("");
  });

  test.each(["1.5.0", "1.6.1", "1.8.7", "1.22.7", "2.0.3+ent"])(
    "tell names from prefixes in %s",
    (version) => {
      const own = 'node "client-1" { policy = "write" }';
      expect(agentRules("client-1", version)).toBe(`${own} ${read("service_prefix")}`);
      expect(dnsRules(version)).toBe(`${read("node_prefix")} ${read("service_prefix")}`);
      expect(replicationRules(version)).toMatch(/^acl = "write" operator = "write" service_prefix/);
    },
  );

  test.each(["2.1.0-dev", "2.1.0", "2.2.1"])(
    "let agents ask for feature gates in %s",
    (version) => {
      expect(agentRules("client-1", version)).toBe(
        `${agentRules("client-1", "2.0.3")} operator = "read"`,
      );
      expect(dnsRules(version)).toBe(dnsRules("2.0.3"));
    },
  );
});
