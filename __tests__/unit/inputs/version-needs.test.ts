import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { firstVersion } from "../../../src/consul/versions.ts";
import { parseClusterFile } from "../../../src/inputs/cluster-file.ts";
import {
  authMethodKeys,
  authMethodTypes,
  bindingRuleKeys,
  bindTypes,
  enterpriseOnly,
  entryKinds,
  roleKeys,
  tokenKeys,
  unmetNeeds,
  versionNeeds,
} from "../../../src/inputs/version-needs.ts";

function messages(text: string, version: string): string[] {
  const readFile = () => Buffer.alloc(0);
  const { file, problems } = parseClusterFile({ text, name: "cluster.yml", readFile });
  if (!file) throw new Error(problems.map(({ message }) => message).join("\n"));
  return unmetNeeds(versionNeeds(file.seeds), version).map(({ message }) => message);
}

test("the node whose own version lacks something is named", () => {
  const readFile = () => Buffer.alloc(0);
  const text = "config_entries: [{ Kind: mesh }]";
  const { file } = parseClusterFile({ text, name: "cluster.yml", readFile });
  const needs = file ? versionNeeds(file.seeds) : [];
  expect(unmetNeeds(needs, "1.8.7", "server-2").map(({ message }) => message)).toEqual([
    "cluster.yml:1:18: `config_entries[0] (mesh)` needs Consul 1.10 or later, but server-2 runs Consul 1.8.7. Set its `version` to 1.10 or later, or leave it out.",
  ]);
});

const entry = (kind: string) => `config_entries: [{ Kind: ${kind}, Name: web }]`;
const token = (fields: string) => `acl: { tokens: [{ Description: app, ${fields} }] }`;
const acl = (list: string, fields: string) => `acl: { ${list}: [{ Name: app, ${fields} }] }`;
const query = (fields: string) => `prepared_queries: [{ Service: { Service: a, ${fields} } }]`;
const role = (fields: string) => `acl: { roles: [{ Name: app, ${fields} }] }`;
const [id, other] = [
  "11111111-1111-4111-8111-111111111111",
  "22222222-2222-4222-8222-222222222222",
];

describe("the first version with", () => {
  test.each([
    ["service-defaults", entry("service-defaults"), "1.4.5", "1.5.0"],
    ["proxy-defaults", entry("proxy-defaults"), "1.4.5", "1.5.0"],
    ["service-router", entry("service-router"), "1.5.3", "1.6.0"],
    ["service-splitter", entry("service-splitter"), "1.5.3", "1.6.0"],
    ["service-resolver", entry("service-resolver"), "1.5.3", "1.6.0"],
    ["ingress-gateway", entry("ingress-gateway"), "1.7.14", "1.8.0"],
    ["terminating-gateway", entry("terminating-gateway"), "1.7.14", "1.8.0"],
    ["service-intentions", entry("service-intentions"), "1.8.19", "1.9.0"],
    ["mesh", entry("mesh"), "1.10.0-beta1", "1.10.0-beta2"],
    ["exported-services", entry("exported-services"), "1.11.0-beta3", "1.11.0-rc"],
    ["api-gateway", entry("api-gateway"), "1.14.11", "1.15.0"],
    ["bound-api-gateway", entry("bound-api-gateway"), "1.14.11", "1.15.0"],
    ["http-route", entry("http-route"), "1.14.11", "1.15.0"],
    ["tcp-route", entry("tcp-route"), "1.14.11", "1.15.0"],
    ["inline-certificate", entry("inline-certificate"), "1.14.11", "1.15.0"],
    ["jwt-provider", entry("jwt-provider"), "1.15.11", "1.16.0-rc1"],
    ["sameness-group", entry("sameness-group"), "1.15.11+ent", "1.16.0+ent"],
    ["rate limits by address", entry("control-plane-request-limit"), "1.15.11+ent", "1.16.0+ent"],
    ["file-system-certificate", entry("file-system-certificate"), "1.18.2", "1.19.0"],
    ["rate-limit", entry("rate-limit"), "1.22.7+ent", "2.0.0+ent"],
    ["namespaces", "services: [{ name: web, namespace: team }]", "1.6.10+ent", "1.7.0+ent"],
    ["partitions", "config_entries: [{ Kind: mesh, Partition: a }]", "1.10.12+ent", "1.11.0+ent"],
    ["an unknown kind", entry("newer-kind"), "1.4.4", "1.5.0"],
    ["an entry without a kind", "config_entries: [{ Name: web }]", "1.4.4", "1.5.0"],
    ["kinds in small letters", "config_entries: [{ kind: mesh }]", "1.9.0", "1.10.0"],
    ["roles", role("Policies: []"), "1.4.5", "1.5.0"],
    ["auth methods", acl("auth_methods", "Type: kubernetes"), "1.4.5", "1.5.0"],
    ["auth methods of an unknown type", acl("auth_methods", "Type: own"), "1.4.5", "1.5.0"],
    ["auth methods of type jwt", acl("auth_methods", "type: jwt"), "1.7.14", "1.8.0"],
    ["auth methods of type oidc", acl("auth_methods", "Type: oidc"), "1.7.14+ent", "1.8.0+ent"],
    ["auth methods of type aws-iam", acl("auth_methods", "Type: aws-iam"), "1.11.11", "1.12.0"],
    ["a TTL for logins", acl("auth_methods", "MaxTokenTTL: 5m"), "1.7.14", "1.8.0"],
    ["names of auth methods", acl("auth_methods", "DisplayName: CI"), "1.7.14", "1.8.0"],
    ["global logins", acl("auth_methods", "TokenLocality: global"), "1.7.14", "1.8.0"],
    ["binding rules", acl("binding_rules", "BindType: service"), "1.4.5", "1.5.0"],
    ["binding rules for nodes", acl("binding_rules", "BindType: node"), "1.8.0", "1.8.1"],
    ["variables of bindings", acl("binding_rules", "BindVars: { Name: a }"), "1.16.7", "1.17.0"],
    [
      "binding rules for templated policies",
      acl("binding_rules", "BindType: templated-policy"),
      "1.16.7",
      "1.17.0",
    ],
    ["binding rules for policies", acl("binding_rules", "BindType: policy"), "1.17.4", "1.18.0"],
    ["failover to targets", query("Failover: { Targets: [{ Peer: a }] }"), "1.12.9", "1.13.0"],
    ["feature gates", "feature_gates: { consul-ai: false }", "2.0.3", "2.1.0-rc1"],
    ["roles of node identities", role("node_identities: [{}]"), "1.8.0", "1.8.1"],
    ["roles of templated policies", role("TemplatedPolicies: [{}]"), "1.16.7", "1.17.0-rc1"],
    ["chosen secret IDs", token(`SecretID: ${id}`), "1.4.5", "1.5.0"],
    ["chosen accessor IDs", token(`AccessorID: ${id}`), "1.4.5", "1.5.0"],
    ["tokens of roles", token("Roles: [{ Name: app }]"), "1.4.5", "1.5.0"],
    ["tokens of service identities", token("ServiceIdentities: [{}]"), "1.4.5", "1.5.0"],
    ["tokens that expire", token("ExpirationTTL: 1h"), "1.4.5", "1.5.0"],
    ["tokens that expire at a time", token("ExpirationTime: x"), "1.4.5", "1.5.0"],
    ["tokens of node identities", token("NodeIdentities: [{}]"), "1.8.0", "1.8.1"],
    ["tokens of templated policies", token("TemplatedPolicies: [{}]"), "1.16.7", "1.17.0"],
  ])("%s", (_, text, without, first) => {
    expect(messages(text, without)).toHaveLength(1);
    expect(messages(text, first)).toEqual([]);
  });

  test("every other key is 1.4.0", () => {
    const text = `acl:
  policies: [{ Name: app, Rules: "" }]
  tokens:
    - { Description: app, SecretID: "", Policies: [{ Name: app }], Local: true }
    - { AccessorID: 00000000-0000-0000-0000-000000000002, SecretID: anonymous }
kv: { a: b }
services: [{ name: web }]
catalog: [{ Node: db, Address: 192.0.2.1 }]
prepared_queries: [{ Name: db, Service: { Service: db, Failover: { Datacenters: [west] } } }]
`;
    expect(messages(text, "1.4.0")).toEqual([]);
  });
});

test("each problem has its line, what it needs, and the version in use", () => {
  const text = `config_entries:
  - { Kind: service-defaults, Name: web }
  - { Kind: service-intentions, Name: web }
acl:
  roles: [{ Name: app }]
  tokens:
    - { Description: app, SecretID: ${id}, AccessorID: ${other} }
`;
  expect(messages(text, "1.8.7")).toEqual([
    "cluster.yml:3:5: `config_entries[1] (service-intentions web)` needs Consul 1.9 or later, but this is Consul 1.8.7. Set `version` to 1.9 or later, or leave it out.",
  ]);
  expect(messages(text, "1.4.4")).toHaveLength(5);
  const said = messages(text, "1.4.4").join("\n");
  expect(said).toContain(
    "cluster.yml:7:7: `SecretID` of `acl.tokens[0] (app)` needs Consul 1.5 or later",
  );
  expect(said).not.toContain(id);
});

test.each(["sameness-group", "control-plane-request-limit", "rate-limit"])(
  "the community edition is refused %s in every version",
  (kind) => {
    const [message, ...others] = messages(entry(kind), "2.1.0+fips1402");
    expect(message).toMatch(/needs Consul Enterprise \d\.\d+ or later, but this is Consul 2.1.0/);
    expect(message).toContain("Use an image of it");
    expect(others).toEqual([]);
    expect(messages(entry(kind), "2.1.0+ent.fips1402")).toEqual([]);
  },
);

describe("docs/cluster-file.md", () => {
  const docs = readFileSync("docs/cluster-file.md", "utf8");
  /** The cells of each row that starts with names in backquotes: the names, and the version. */
  const rows = [...docs.matchAll(/^\| (`[^|]*`) \| (\d+\.[\d.]+)(, Enterprise only)? \|$/gm)].map(
    ([, names = "", version = "", edition]) => ({
      names: [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
      version,
      edition: edition !== undefined,
    }),
  );
  const inDocs = new Map(
    rows.flatMap(({ names, version, edition }) =>
      names.map((name): [string, unknown] => [name, { version, edition }]),
    ),
  );

  test("says the first version of each kind of configuration entry, and of each key and value of ACLs", () => {
    const inAcl = [...tokenKeys, ...authMethodTypes, ...authMethodKeys, ...bindTypes];
    const inCode = new Map(
      [...entryKinds, ...inAcl, ...bindingRuleKeys].map(([name, difference]): [string, unknown] => [
        name,
        { version: firstVersion(difference), edition: enterpriseOnly.includes(difference) },
      ]),
    );
    expect(inDocs).toEqual(inCode);
    expect([...roleKeys.keys()].filter((key) => !tokenKeys.has(key))).toEqual([]);
  });
});
