/** Objects of a cluster file that belong to no agent: the catalog's own, prepared queries, logins, exported keys. */
import { createSign, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import * as z from "zod";
import { nodeOf, testInputs, type Up, up } from "../support/cluster.ts";
import { getJson, resolveByUdp } from "../support/consul.ts";
import { ask, query } from "../support/later-step.ts";
import { needs } from "../support/needs.ts";
import { RecordedJob } from "../support/record.ts";

const registered = z.object({
  Node: z.object({ Address: z.string(), Meta: z.record(z.string(), z.string()).nullish() }),
  Services: z.record(z.string(), z.object({ Port: z.number() })),
});

const keySchema = z.tuple([z.object({ Value: z.string() })]);

test("external services, prepared queries, and exported keys are there, whichever agent is asked", async () => {
  const workspace = mkdtempSync(join(tmpdir(), "workspace-"));
  const exported = `[
	{"key": "app/a", "flags": 18446744073709551615, "value": "AP8K"},
	{"key": "app/b", "flags": 7, "value": "b2xk"},
	{"key": "app/empty/", "flags": 0, "value": ""}
]`;
  writeFileSync(join(workspace, "kv.json"), exported);
  const text = stringify({
    datacenters: [
      { name: "east", servers: 1, clients: 1 },
      { name: "west", servers: 1 },
    ],
    catalog: [
      {
        Node: "orders-db",
        Address: "192.0.2.10",
        NodeMeta: { "external-node": "true" },
        Service: { Service: "postgres", Port: 5432 },
        Checks: [{ Name: "up", Status: "passing", ServiceID: "postgres" }],
      },
      {
        Node: "legacy",
        Address: "192.0.2.11",
        Datacenter: "west",
        Service: { Service: "old", Port: 1 },
      },
    ],
    prepared_queries: [{ Name: "orders", Service: { Service: "postgres", OnlyPassing: true } }],
    kv_file: "kv.json",
    kv: { "app/b": "new" },
  });
  writeFileSync(join(workspace, "cluster.yml"), text);
  const cluster = await up({ cluster: "cluster.yml" }, { env: { GITHUB_WORKSPACE: workspace } });
  try {
    const client = nodeOf(cluster, "east-client-1");
    expect(await resolveByUdp(client.dns, "postgres.service.consul")).toEqual(["192.0.2.10"]);
    expect(await resolveByUdp(client.dns, "orders.query.consul")).toEqual(["192.0.2.10"]);
    for (const { name, http } of cluster.nodes) {
      const db = await getJson(`${http}/v1/catalog/node/orders-db?dc=east&stale`, registered);
      expect(db, name).toEqual({
        Node: { Address: "192.0.2.10", Meta: { "external-node": "true" } },
        Services: { postgres: { Port: 5432 } },
      });
      const legacy = await getJson(`${http}/v1/catalog/node/legacy?dc=west&stale`, registered);
      expect(legacy.Services, name).toEqual({ old: { Port: 1 } });
    }
    const contentOf = async (key: string) => {
      const text = (await ask(`${client.http}/v1/kv/${key}`)).body;
      const [{ Value }] = keySchema.parse(JSON.parse(text.replace('"Value":null', '"Value":""')));
      return [Buffer.from(Value, "base64").toString("latin1"), /"Flags":(\d+)/.exec(text)?.[1]];
    };
    expect(await contentOf("app/a")).toEqual(["\0\xff\n", "18446744073709551615"]);
    expect(await contentOf("app/b")).toEqual(["new", "0"]);
    expect(await contentOf("app/empty/")).toEqual(["", "0"]);
    expect(cluster.result.log).toContain("registrations with the catalog: 2");
  } finally {
    await cluster.down();
    rmSync(workspace, { recursive: true });
  }
});

/** A JSON Web Token for a user, signed with ES256. */
function jwtFor(user: string, privateKey: string): string {
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "tests", sub: user, aud: "consul", iat: now, nbf: now - 5, exp: now + 600 };
  const body = `${encoded({ alg: "ES256", typ: "JWT" })}.${encoded(claims)}`;
  const key = { key: privateKey, dsaEncoding: "ieee-p1363" } as const;
  return `${body}.${createSign("sha256").update(body).sign(key, "base64url")}`;
}

const loginSchema = z.object({ SecretID: z.string(), AuthMethod: z.string() });

/** Asks a node for a token. */
async function login(cluster: Up, node: string, jwt: string) {
  const { http } = nodeOf(cluster, node);
  const body = JSON.stringify({ AuthMethod: "ci", BearerToken: jwt });
  const answer = await fetch(`${http}/v1/acl/login`, { method: "POST", body });
  return { status: answer.status, body: await answer.text() };
}

/** A cluster file whose objects are all in a snapshot. */
function securedFile(publicKey: string): string {
  return stringify({
    datacenters: [{ name: "dc1", servers: 1, clients: 1 }],
    acl: {
      policies: [{ Name: "app", Rules: 'key_prefix "app/" { policy = "read" }' }],
      roles: [{ Name: "app", Policies: [{ Name: "app" }] }],
      auth_methods: [
        {
          Name: "ci",
          Type: "jwt",
          Config: {
            JWTValidationPubKeys: [publicKey],
            BoundIssuer: "tests",
            BoundAudiences: ["consul"],
            ClaimMappings: { sub: "user" },
          },
        },
      ],
      binding_rules: [
        { AuthMethod: "ci", Selector: 'value.user == "app"', BindType: "role", BindName: "app" },
      ],
    },
    services: [{ name: "gone", port: 80 }],
    catalog: [{ Node: "db", Address: "192.0.2.10" }],
    prepared_queries: [{ Name: "q", Service: { Service: "web" } }],
    kv: { "app/a": "b" },
  });
}

/** That a role's user can log in through every agent, and nobody else, and sees what is declared. */
async function expectObjects(cluster: Up, privateKey: string): Promise<void> {
  for (const { name, http } of cluster.nodes) {
    const { status, body } = await login(cluster, name, jwtFor("app", privateKey));
    expect(status, body).toBe(200);
    const { SecretID: token } = loginSchema.parse(JSON.parse(body));
    const value = await ask(`${http}/v1/kv/app/a?raw`, { token });
    expect(value, name).toEqual({ status: 200, body: "b" });
    expect((await login(cluster, name, jwtFor("other", privateKey))).status).toBe(403);
    const queries = z.array(z.object({ Name: z.string() }));
    const found = await query(cluster, nodeOf(cluster, name), "/v1/query?stale", queries);
    expect(found).toEqual([{ Name: "q" }]);
  }
}

const policies = z.array(z.object({ ID: z.string(), Name: z.string() }));
const catalogNodes = z.array(z.object({ Node: z.string(), Address: z.string() }));
const roots = z.object({ TrustDomain: z.string() });

/** Changes what a new cluster has set up for itself, and saves a snapshot. */
async function snapshotWithChanges(cluster: Up): Promise<Buffer> {
  const { "http-address": http = "", "http-token": token = "" } = cluster.outputs;
  const headers = { "X-Consul-Token": token };
  const send = async (path: string, body: unknown) => {
    const options = { method: "PUT", headers, body: JSON.stringify(body) };
    expect((await fetch(http + path, options)).status, path).toBe(200);
  };
  const found = await query(cluster, nodeOf(cluster, "server-1"), "/v1/acl/policies", policies);
  const { ID } = found.find(({ Name }) => Name === "dns") ?? {};
  await send(`/v1/acl/policy/${ID}`, { Name: "dns", Rules: 'key "a" { policy = "read" }' });
  await send("/v1/operator/autopilot/configuration", { CleanupDeadServers: true });
  return Buffer.from(await (await fetch(`${http}/v1/snapshot`, { headers })).arrayBuffer());
}

// Auth methods of type jwt are among what it declares.
describe("a secured cluster", needs("1.8.0"), () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  let cluster: Up;
  beforeAll(async () => {
    cluster = await up({ cluster: securedFile(publicKey) });
  });
  afterAll(() => cluster.down());

  test("has auth methods and binding rules with which logins through every agent work", () =>
    expectObjects(cluster, privateKey));

  test("is there again in one that starts from its snapshot, but for its agents", async () => {
    const workspace = mkdtempSync(join(tmpdir(), "workspace-"));
    writeFileSync(join(workspace, "state.snap"), await snapshotWithChanges(cluster));
    const options = { env: { GITHUB_WORKSPACE: workspace } };
    const text = stringify({
      datacenters: [{ name: "dc1", servers: 3, clients: 1 }],
      server_config: { connect: { enabled: true } },
      acl: true,
      snapshot: "state.snap",
    });
    const restored = await up({ cluster: text }, options);
    try {
      await expectObjects(restored, privateKey);
      // The old tokens are part of the data; the new cluster's are its own.
      const { "http-token": old = "" } = cluster.outputs;
      expect(restored.outputs["http-token"]).not.toBe(old);
      const own = restored.nodes.map(({ name, ip }) => ({ Node: name, Address: ip }));
      const db = { Node: "db", Address: "192.0.2.10" };
      for (const node of restored.nodes) {
        const byOld = await ask(`${node.http}/v1/kv/app/a?raw`, { token: old });
        expect(byOld, node.name).toEqual({ status: 200, body: "b" });
        const all = await query(restored, node, "/v1/catalog/nodes?stale", catalogNodes);
        expect(all.toSorted((a, b) => a.Node.localeCompare(b.Node))).toEqual(
          [...own, db].toSorted((a, b) => a.Node.localeCompare(b.Node)),
        );
        const gone = await query(restored, node, "/v1/health/service/gone", z.array(z.unknown()));
        expect(gone, node.name).toEqual([]);
        // The rights to this are those of the token for DNS.
        expect(await resolveByUdp(node.dns, "client-1.node.consul")).toEqual([
          nodeOf(restored, "client-1").ip,
        ]);
        // Each agent remembers which Connect CA issues its certificates.
        const domain = await query(restored, node, "/v1/agent/connect/ca/roots", roots);
        const server = nodeOf(restored, "server-1");
        expect(domain).toEqual(await query(restored, server, "/v1/connect/ca/roots", roots));
      }
      const [server] = restored.nodes;
      if (!server) throw new Error("the cluster has no nodes");
      const settings = z.object({ CleanupDeadServers: z.boolean() });
      const path = "/v1/operator/autopilot/configuration";
      expect((await query(restored, server, path, settings)).CleanupDeadServers).toBe(false);
      // Its secrets are masked, as those of the file itself.
      expect(restored.result.log).not.toContain(old);
    } finally {
      await restored.down();
    }

    const job = new RecordedJob(options);
    const refused = await job.main(testInputs({ cluster: "{ snapshot: state.snap }" }));
    await job.post();
    job.dispose();
    rmSync(workspace, { recursive: true });
    expect(refused.exitCode).toBe(1);
    expect(refused.log).toMatch(/^::error .*:1:3: `snapshot` has ACLs, but this cluster has none/m);
  });
});

// So are auth methods, which earlier versions do not have at all.
test("what Consul refuses of them has its place", needs("1.5.0"), async () => {
  const job = new RecordedJob();
  const text = `datacenters: [{ name: dc1, servers: 1 }]
catalog:
  - { Node: db }
prepared_queries:
  - { Name: q }
acl:
  auth_methods:
    - { Name: ci, Type: nonsense }
`;
  const { exitCode, log } = await job.main(testInputs({ cluster: text }));
  await job.post();
  job.dispose();
  expect(exitCode).toBe(1);
  expect(log.match(/^::error.*$/gm)).toEqual([
    expect.stringMatching(/:3:5: Consul refused `catalog\[0\] \(db\)`: .*[Mm]ust provide/),
    expect.stringMatching(/:5:5: Consul refused `prepared_queries\[0\] \(q\)`: .*Service name/),
    expect.stringMatching(/:8:7: Consul refused `acl.auth_methods\[0\] \(ci\)`: .*[Tt]ype/),
  ]);
});
