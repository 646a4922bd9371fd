import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../script/runner.ts";
import { Consul } from "../../src/consul/consul.ts";
import { parseClusterFile } from "../../src/inputs/cluster-file.ts";
import type { Seeds } from "../../src/inputs/seeds.ts";
import { seed } from "../../src/seed/seed.ts";
import { type Up, up } from "../support/cluster.ts";
import { expectAllThere } from "../support/declared.ts";

function seedsOf(text: string): Seeds {
  const { file, problems } = parseClusterFile({
    text,
    name: "cluster.yml",
    readFile: (path) => readFileSync(join(root, path)),
  });
  if (!file) throw new Error(problems.map(({ message }) => message).join("\n"));
  return file.seeds;
}

/** The agents of a cluster, each with a client that uses the cluster's own credentials. */
function agentsOf({ nodes, outputs }: Up) {
  const token = outputs["http-token"] ?? "";
  return nodes.map(({ name, role, datacenter, http }) => {
    const consul = new Consul({ scheme: "http", address: new URL(http).host, token });
    return { node: name, role, datacenter, federation: datacenter, consul };
  });
}

const { publicKey } = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

test("seeding again changes nothing", async () => {
  const text = `
datacenters: [{ name: dc1, servers: 1, clients: 1 }]
acl:
  policies: [{ Name: p, Rules: 'key "a" { policy = "read" }' }]
  roles: [{ Name: r, Policies: [{ Name: p }] }]
  auth_methods: [{ Name: ci, Type: jwt, Config: { JWTValidationPubKeys: [${JSON.stringify(publicKey)}] } }]
  binding_rules: [{ AuthMethod: ci, BindType: role, BindName: r }]
  tokens:
    - { Description: t, Roles: [{ Name: r }] }
    - { SecretID: 6e0a3a4e-52cb-4e5f-9a73-0c6be1bb4b4f, Policies: [{ Name: p }] }
services: [{ name: web, port: 80, check: { ttl: 1h, status: passing } }]
catalog: [{ Node: db, Address: 192.0.2.10, Service: { Service: pg, Port: 5432 } }]
prepared_queries: [{ Name: q, Service: { Service: pg }, DNS: { TTL: 10s } }]
kv: { a: b, big: "@package-lock.json" }
config_entries: [{ Kind: service-defaults, Name: web, Protocol: http }]
`;
  const cluster = await up({ cluster: text });
  try {
    const agents = agentsOf(cluster);
    const paths = [
      "/v1/kv/?recurse",
      "/v1/acl/policies",
      "/v1/acl/roles",
      "/v1/acl/tokens",
      "/v1/config/service-defaults",
      "/v1/health/service/web",
      "/v1/acl/auth-method/ci",
      "/v1/acl/binding-rules",
      "/v1/catalog/node/db",
      "/v1/query",
    ];
    const look = () =>
      Promise.all(
        paths.map(async (path) => {
          const headers = { "X-Consul-Token": cluster.outputs["http-token"] ?? "" };
          const response = await fetch(`${cluster.outputs["http-address"]}${path}`, { headers });
          expect(response.status).toBe(200);
          return response.text();
        }),
      );
    const before = await look();
    const signal = new AbortController().signal;
    const options = { timeout: 10_000, log: () => {}, onSecret: () => {}, signal };
    const tokens = await seed(seedsOf(text), agents, options);
    expect(tokens).toEqual(JSON.parse(cluster.outputs.tokens ?? ""));
    expect(await look()).toEqual(before);
    // What differs is brought in line.
    const changed = text
      .replace("kv: { a: b", "kv: { a: c")
      .replace('"read"', '"write"')
      .replace("TTL: 10s", "TTL: 20s");
    await seed(seedsOf(changed), agents, options);
    await expectAllThere(changed, cluster);
    const after = await look();
    expect(after.map((answer, index) => answer === before[index])).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
  } finally {
    await cluster.down();
  }
});
