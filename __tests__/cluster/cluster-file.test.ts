import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import * as z from "zod";
import { Job, root } from "../../script/runner.ts";
import { Consul } from "../../src/consul/consul.ts";
import { type ClusterFile, parseClusterFile } from "../../src/inputs/cluster-file.ts";
import { field } from "../../src/inputs/seeds.ts";
import { covers } from "../../src/seed/declared.ts";
import { seed } from "../../src/seed/seed.ts";
import { registrationAgent } from "../../src/seed/services.ts";
import { httpGet, testImage, testInputs, type Up, up } from "../support.ts";

const textOf = (path: string) => readFileSync(join(root, path), "utf8");

const schemaSchema = z.record(z.string(), z.unknown());
const isSchemaKept = new Ajv().compile(
  schemaSchema.parse(JSON.parse(textOf("schema/cluster.json"))),
);

function read(text: string): ClusterFile {
  const { file, problems } = parseClusterFile({
    text,
    name: "cluster.yml",
    readFile: (path) => readFileSync(join(root, path)),
  });
  if (!file) throw new Error(problems.map(({ message }) => message).join("\n"));
  return file;
}

/** The agents of a cluster, each with its HTTP API, asked with the cluster's own credentials. */
function agentsOf({ nodes, outputs }: Up) {
  const token = outputs["http-token"];
  const ca = outputs["ca-cert"] ? readFileSync(outputs["ca-cert"], "utf8") : "";
  return nodes.map(({ name, role, datacenter, http }) => {
    const url = new URL(http);
    const access = {
      scheme: url.protocol === "https:" ? "https" : "http",
      address: url.host,
      ...(token && { token }),
      ...(ca && { ca }),
    } as const;
    return { node: name, role, datacenter, access, consul: new Consul(access) };
  });
}

type Agents = ReturnType<typeof agentsOf>;

/** The last agent: never the one that anything was given to, where there are several. */
function lastOf(agents: Agents) {
  const last = agents.at(-1);
  if (!last) throw new Error("no agents");
  return last;
}

const datacentersOf = (agents: Agents) => [
  ...Map.groupBy(agents, ({ datacenter }) => datacenter).values(),
];

/** What the services of a file look like in the catalog, and what they should look like. */
async function servicesOf({ seeds }: ClusterFile, agents: Agents) {
  return Promise.all(
    seeds.services.map(async (service) => {
      const own = registrationAgent(service, agents);
      const other = agents.find((agent) => agent !== own) ?? own;
      const name = String(field(service.value, "name"));
      const id = String(field(service.value, "id") ?? name);
      const instances = await other.consul.service(name, own.datacenter);
      return instances.find((each) => each.id === id && each.node === own.node);
    }),
  );
}

/** Everything that a file declares is there at once, asked through agents it was not given to. */
async function expectAllThere(file: ClusterFile, agents: Agents) {
  const { seeds } = file;
  const services = await servicesOf(file, agents);
  expect(services).not.toContain(undefined);

  const primary = datacentersOf(agents)[0] ?? [];
  const keys = new Map(
    (await lastOf(primary).consul.keys()).map(({ key, value }) => [key, value.toString("base64")]),
  );
  for (const { key, value } of seeds.kv) expect(keys.get(key)).toBe(value.toString("base64"));

  for (const there of datacentersOf(agents)) {
    const { consul } = lastOf(there);
    for (const { value } of seeds.configEntries) {
      const [kind, name] = [String(field(value, "kind")), String(field(value, "name"))];
      expect(covers(await consul.configEntry(kind, name), value)).toBe(true);
    }
    for (const [kind, list] of [
      ["policy", seeds.policies],
      ["role", seeds.roles],
      ["token", seeds.tokens],
    ] as const) {
      if (list.length === 0) continue;
      const objects = await consul.aclObjects(kind);
      const key = kind === "token" ? "Description" : "Name";
      const names = objects.map((object) => object[key]);
      for (const { value } of list) expect(names).toContain(field(value, key) ?? "");
    }
  }
}

const tokensSchema = z.array(
  z.object({ AccessorID: z.string(), SecretID: z.guid(), Description: z.string() }),
);

const tokensOf = (cluster: Up) => tokensSchema.parse(JSON.parse(cluster.outputs.tokens ?? ""));

async function withCluster(
  inputs: Readonly<Record<string, string>>,
  use: (cluster: Up, agents: Agents) => Promise<void>,
) {
  const cluster = await up(inputs);
  try {
    await use(cluster, agentsOf(cluster));
  } finally {
    await cluster.down();
  }
}

const selfSchema = z.object({
  Config: z.object({ Datacenter: z.string(), NodeName: z.string() }),
  DebugConfig: z.looseObject({}),
});

describe("the whole file", () => {
  const text = `datacenters:
  - name: east
    servers: 3
    clients: 2
    config: { log_level: DEBUG }
  - name: west
    servers: 1
config: { limits: { http_max_conns_per_client: 321 } }
server_config: { enable_debug: true }
client_config: { leave_on_terminate: false }
acl:
  policies:
    - { Name: app, Rules: 'key_prefix "app/" { policy = "read" }' }
  roles:
    - { Name: app, Policies: [{ Name: app }] }
  tokens:
    - { Description: app, Roles: [{ Name: app }] }
gossip_encryption: true
tls: true
services:
  - { name: web, port: 80, check: { ttl: 1h, status: passing } }
  - { name: tcp, node: east-server-2, check: { tcp: "localhost:8500", interval: 1s } }
  - { name: west, node: west-server-1 }
kv: { app/greeting: hello, license: "@LICENSE" }
config_entries:
  - { Kind: service-defaults, Name: web, Protocol: http }
`;

  test("gives a cluster that has all of it when the step returns", async () => {
    expect(isSchemaKept(parse(text))).toBe(true);
    await withCluster({ cluster: text }, async (cluster, agents) => {
      const file = read(text);
      await expectAllThere(file, agents);
      const services = await servicesOf(file, agents);
      expect(services.map((service) => service?.checks.map(({ status }) => status))).toEqual([
        ["passing"],
        ["passing"],
        [],
      ]);

      expect(agents.map(({ node }) => node)).toEqual([
        ...["east-server-1", "east-server-2", "east-server-3", "east-client-1", "east-client-2"],
        "west-server-1",
      ]);
      const datacenters = z
        .array(z.object({ name: z.string(), http: z.string(), leader: z.string() }))
        .parse(JSON.parse(cluster.outputs.datacenters ?? ""));
      expect(datacenters).toEqual([
        { name: "east", http: cluster.outputs["http-address"], leader: cluster.outputs.leader },
        { name: "west", http: cluster.nodes[5]?.http, leader: "west-server-1" },
      ]);

      // One token works in every datacenter, as far as its policy goes.
      const [token] = tokensOf(cluster);
      if (!token) throw new Error("no token");
      for (const { access } of agents) {
        const own = new Consul({ ...access, token: token.SecretID });
        await expect(own.tokenOf(token.SecretID)).resolves.toMatchObject({
          AccessorID: token.AccessorID,
        });
        await expect(own.setKey({ key: "app/x", value: Buffer.from("") })).rejects.toThrow(
          /403 .*Permission denied/,
        );
      }
      const said = cluster.result.rawLog.replaceAll(/^::add-mask::.*$/gm, "");
      expect(said).not.toContain(token.SecretID);
      expect(cluster.result.summary).not.toContain(token.SecretID);

      expect(cluster.result.summary).toContain('subgraph dc1["datacenter east"]');
      expect(cluster.result.summary).toContain('subgraph dc2["datacenter west"]');
      expect(cluster.result.summary).toContain("dc1 <-->|WAN| dc2");
      expect(cluster.result.summary).toMatch(/"<b>east-client-1<[^"]*⬢ web/);
    });
  });
});

test("datacenters that don't gossip with each other are not ready, though each is", async () => {
  const cluster = `
datacenters:
  - { name: east, servers: 1 }
  - { name: west, servers: 1, config: { encrypt: "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=" } }
`;
  const job = new Job();
  const result = await job.main(testInputs({ cluster, timeout: "8s" }));
  expect(result.exitCode).toBe(1);
  expect(result.log).toMatch(/east: 1 of 1 healthy in the catalog, west: 1 of 1 healthy/);
  expect(result.log).toMatch(/It did not come true that each server sees every other datacenter's/);
  expect(result.log).toMatch(/not alive over WAN: west-server-1.west/);
  await job.post();
  job.dispose();
});

describe("configuration", () => {
  test("goes to every agent, a datacenter, a role; and the input has the last word", async () => {
    const text = `
datacenters:
  - { name: dc1, servers: 1, clients: 1, config: { limits: { http_max_conns_per_client: 2000 } } }
config: { limits: { http_max_conns_per_client: 1000 }, dns_config: { node_ttl: 7s } }
server_config: { dns_config: { max_stale: 70s } }
client_config: { dns_config: { max_stale: 71s } }
`;
    const config = 'dns_config { node_ttl = "8s" }';
    await withCluster({ cluster: text, config }, async ({ nodes }) => {
      const configs = await Promise.all(
        nodes.map(async ({ http }) => {
          const { DebugConfig } = selfSchema.parse(
            JSON.parse(await httpGet(`${http}/v1/agent/self`)),
          );
          const { HTTPMaxConnsPerClient, DNSMaxStale, DNSNodeTTL } = DebugConfig;
          return [HTTPMaxConnsPerClient, DNSMaxStale, DNSNodeTTL];
        }),
      );
      expect(configs).toEqual([
        [2000, "1m10s", "8s"],
        [2000, "1m11s", "8s"],
      ]);
    });
  });
});

describe("examples", () => {
  const files = globSync("examples/*.yml", { cwd: root }).sort();

  test.each(files)("%s keeps the schema", (path) => {
    expect(isSchemaKept(parse(textOf(path))) ? [] : isSchemaKept.errors).toEqual([]);
  });

  const kindSchema = z.looseObject({
    config_entries: z.array(z.looseObject({ Kind: z.string() })).optional(),
  });

  /** The file without what this Consul lacks. */
  function fitting(path: string): string {
    const content = kindSchema.parse(parse(textOf(path)));
    const entries = content.config_entries?.filter(({ Kind }) => Kind !== "service-intentions");
    return stringify({ ...content, ...(entries && { config_entries: entries }) });
  }

  test.each(files.map((path) => basename(path)))("%s runs", async (name) => {
    const text = fitting(join("examples", name));
    await withCluster({ cluster: text }, async (_, agents) => {
      await expectAllThere(read(text), agents);
    });
  });
});

describe("seeding", () => {
  test("again changes nothing", async () => {
    const text = `
datacenters: [{ name: dc1, servers: 1, clients: 1 }]
acl:
  policies: [{ Name: p, Rules: 'key "a" { policy = "read" }' }]
  roles: [{ Name: r, Policies: [{ Name: p }] }]
  tokens:
    - { Description: t, Roles: [{ Name: r }] }
    - { SecretID: 6e0a3a4e-52cb-4e5f-9a73-0c6be1bb4b4f, Policies: [{ Name: p }] }
services: [{ name: web, port: 80, check: { ttl: 1h, status: passing } }]
kv: { a: b, big: "@package-lock.json" }
config_entries: [{ Kind: service-defaults, Name: web, Protocol: http }]
`;
    await withCluster({ cluster: text }, async (cluster, agents) => {
      const paths = [
        "/v1/kv/?recurse",
        "/v1/acl/policies",
        "/v1/acl/roles",
        "/v1/acl/tokens",
        "/v1/config/service-defaults",
        "/v1/health/service/web",
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
      const tokens = await seed(read(text).seeds, agents, options);
      expect(tokens).toEqual(tokensOf(cluster));
      expect(await look()).toEqual(before);
      // What differs is brought in line.
      const changed = read(text.replace("kv: { a: b", "kv: { a: c").replace('"read"', '"write"'));
      await seed(changed.seeds, agents, options);
      await expectAllThere(changed, agents);
      const after = await look();
      expect(after.map((answer, index) => answer === before[index])).toEqual([
        false,
        false,
        true,
        true,
        true,
        true,
      ]);
    });
  });

  test("passes on many keys, and values as large as Consul takes, from files beside the file", async () => {
    const workspace = mkdtempSync(join(tmpdir(), "workspace-"));
    mkdirSync(join(workspace, "test"));
    const largest = 512 * 1024;
    writeFileSync(join(workspace, "test/large.bin"), Buffer.alloc(largest, "\0\xff", "latin1"));
    const many = Array.from({ length: 200 }, (_, index) => [`many/${index}`, `${index}`]);
    const kv = { ...Object.fromEntries(many), "odd key/ü?#": "@large.bin" };
    const datacenters = [{ name: "dc1", servers: 1, clients: 1 }];
    writeFileSync(join(workspace, "test/cluster.yml"), stringify({ datacenters, kv }));
    const cluster = await up(
      { cluster: "test/cluster.yml" },
      { env: { GITHUB_WORKSPACE: workspace } },
    );
    const keys = await lastOf(agentsOf(cluster)).consul.keys();
    expect(keys).toHaveLength(201);
    const sizes = new Map(keys.map(({ key, value }) => [key, value.length]));
    expect([sizes.get("odd key/ü?#"), sizes.get("many/199")]).toEqual([largest, 3]);
    await cluster.down();
    rmSync(workspace, { recursive: true });
  });
});

describe("a refusal", () => {
  test("of Consul's names the entry and its place", async () => {
    const job = new Job();
    const text = `datacenters: [{ name: dc1, servers: 1 }]
kv: { ok: y }
services:
  - { name: web, prot: 80 }
  - { name: ok }
config_entries:
  - { Kind: service-defaults, Name: web }
acl:
  policies:
    - Name: broken
      Rules: nonsense {
`;
    const result = await job.main(testInputs({ cluster: text }));
    expect(result.exitCode).toBe(1);
    const refusals = [
      /^::error [^:]*::Input `cluster`:4:5: Consul did not take `services\[0\] \(web\)`: 400 .*"prot"/m,
      /^::error [^:]*::Input `cluster`:10:7: Consul did not take `acl.policies\[0\] \(broken\)`: 500 .*parse/m,
    ];
    for (const refusal of refusals) expect(result.log).toMatch(refusal);
    expect(result.log.match(/^::error/gm)).toHaveLength(2);
    await job.post();
    job.dispose();
  });

  test("of the file comes before anything is started", async () => {
    const job = new Job();
    const text = `datacenters: [{ name: dc1, severs: 1 }]
services: [{ name: web, node: cleint-1 }]
`;
    const result = await job.main(testInputs({ cluster: text }));
    expect(result.exitCode).toBe(1);
    expect(result.log).toContain("did you mean `servers`?");
    expect(result.log).not.toContain("Start");
    const both = await job.main(
      testInputs({ cluster: "tls: false\nversion: '1.9'\n", tls: "true", image: testImage() }),
    );
    expect(both.log).toContain("`tls` is false here, but input `tls` is true");
    const missing = await job.main(testInputs({ cluster: "no/such.yml" }));
    expect(missing.log).toContain('Input `cluster` is "no/such.yml", which can\'t be read');
    const file = await job.main(testInputs({ cluster: "action.yml" }));
    expect(file.log).toMatch(/^::error [^:]*file=action.yml,line=1,col=1::action.yml:1:1: `name`/m);
    const device = await job.main(testInputs({ cluster: "/dev/zero" }));
    expect(device.log).toContain("can't be read: a device, not a regular file");
    job.dispose();
  });

  test("leaves no secret of the configuration unmasked", async () => {
    const job = new Job();
    const { rawLog, log } = await job.main(
      testInputs({
        cluster: "config: { encrypt: 'hush-of-file' }\nsevers: 1\n",
        config: 'acl { tokens { default = "hush-of-input" } }',
      }),
    );
    expect(rawLog.match(/^::add-mask::.*$/gm)).toEqual([
      "::add-mask::hush-of-input",
      "::add-mask::hush-of-file",
    ]);
    expect(log).not.toContain("hush");
    job.dispose();
  });
});
