import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import * as z from "zod";
import { root } from "../../script/runner.ts";
import { testInputs, type Up, up } from "../support/cluster.ts";
import { httpGet } from "../support/consul.ts";
import { checksOf, expectAllThere, keysIn } from "../support/declared.ts";
import { testImage } from "../support/engine.ts";
import { ask, credentials } from "../support/later-step.ts";
import { isFrom, needs } from "../support/needs.ts";
import { RecordedJob } from "../support/record.ts";

const textOf = (path: string) => readFileSync(join(root, path), "utf8");

const schemaSchema = z.record(z.string(), z.unknown());
const matchesSchema = new Ajv().compile(
  schemaSchema.parse(JSON.parse(textOf("schema/cluster.json"))),
);

const tokensSchema = z.array(
  z.object({ AccessorID: z.string(), SecretID: z.guid(), Description: z.string() }),
);

const tokensOf = (cluster: Up) => tokensSchema.parse(JSON.parse(cluster.outputs.tokens ?? ""));

async function withCluster(
  inputs: Readonly<Record<string, string>>,
  use: (cluster: Up) => Promise<void>,
) {
  const cluster = await up(inputs);
  try {
    await use(cluster);
  } finally {
    await cluster.down();
  }
}

const selfSchema = z.object({
  Config: z.object({ Datacenter: z.string(), NodeName: z.string() }),
  DebugConfig: z.looseObject({}),
});

// Roles and config entries are among what it declares.
describe("the whole file", needs("1.5.0"), () => {
  const text = `datacenters:
  - name: east
    servers: 3
    clients: 2
    config: { log_level: DEBUG }
  - name: west
    servers: 1
config: { limits: { rpc_rate: 321 } }
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

  test("gives a cluster that has everything in it when the step returns", async () => {
    expect(matchesSchema(parse(text))).toBe(true);
    await withCluster({ cluster: text }, async (cluster) => {
      await expectAllThere(text, cluster);
      expect(await checksOf(text, cluster)).toEqual([["passing"], ["passing"], []]);

      expect(cluster.nodes.map(({ name }) => name)).toEqual([
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

      // One token works in every datacenter, within its policy.
      const [token] = tokensOf(cluster);
      if (!token) throw new Error("no token");
      const app = { ...credentials(cluster), token: token.SecretID };
      for (const { name, http } of cluster.nodes) {
        const self = await ask(`${http}/v1/acl/token/self`, app);
        expect(JSON.parse(self.body), name).toMatchObject({ AccessorID: token.AccessorID });
        const write = await ask(`${http}/v1/kv/app/x`, { ...app, body: "" });
        expect(write.status, name).toBe(403);
        expect(write.body, name).toContain("Permission denied");
      }
      const said = cluster.result.rawLog.replaceAll(/^::add-mask::.*$/gm, "");
      expect(said).not.toContain(token.SecretID);
      expect(cluster.result.summary).not.toContain(token.SecretID);

      expect(cluster.result.summary).toContain('subgraph dc1["datacenter east"]');
      expect(cluster.result.summary).toContain('subgraph dc2["datacenter west"]');
      expect(cluster.result.summary).toContain("dc1 <-->|WAN| dc2");
      expect(cluster.result.summary).toMatch(/"<b>east-client-1<[^"]*⬢ web/);
      expect(cluster.result.summary).toContain("| config entries | 1 | `service-defaults/web` |");
      expect(cluster.result.summary).toContain("| keys | 2 | `app/greeting`, `license` |");
      expect(cluster.result.summary).toContain("| tokens | 1 | `app` |");
    });
  });
});

test("two datacenters that don't gossip with each other are not ready, even if each of them is", async () => {
  const cluster = `
datacenters:
  - { name: east, servers: 1 }
  - { name: west, servers: 1, config: { encrypt: "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=" } }
`;
  const job = new RecordedJob();
  const result = await job.main(testInputs({ cluster, timeout: "15s" }));
  expect(result.exitCode).toBe(1);
  expect(result.log).toMatch(/east: 1 of 1 healthy in the catalog, west: 1 of 1 healthy/);
  expect(result.log).toMatch(
    /Condition not met: every server sees the servers of all other datacenters/,
  );
  expect(result.log).toMatch(/not alive over WAN: west-server-1.west/);
  await job.post();
  job.dispose();
});

describe("configuration", () => {
  test("goes to every agent, a datacenter, or a role; the input overrides it", async () => {
    const text = `
datacenters:
  - { name: dc1, servers: 1, clients: 1, config: { limits: { rpc_rate: 2000 } } }
config: { limits: { rpc_rate: 1000 }, dns_config: { node_ttl: 7s } }
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
          const { RPCRateLimit, DNSMaxStale, DNSNodeTTL } = DebugConfig;
          return [RPCRateLimit, DNSMaxStale, DNSNodeTTL];
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

  test.each(files)("%s matches the schema", (path) => {
    expect(matchesSchema(parse(textOf(path))) ? [] : matchesSchema.errors).toEqual([]);
  });

  const kindSchema = z.looseObject({
    config_entries: z.array(z.looseObject({ Kind: z.string() })).optional(),
  });

  /** The first version that knows a file's roles and config entries, apart from intentions. */
  const firstVersions: Readonly<Record<string, string>> = {
    "acl.yml": "1.5.0",
    "mesh.yml": "1.6.0",
    "secured.yml": "1.5.0",
    "two-datacenters.yml": "1.6.0",
  };

  /** The file; before 1.9, without the intentions, which that Consul does not know. */
  function fitting(path: string): string {
    const content = kindSchema.parse(parse(textOf(path)));
    const entries = content.config_entries?.filter(
      ({ Kind }) => Kind !== "service-intentions" || isFrom("1.9.0"),
    );
    return stringify({ ...content, ...(entries && { config_entries: entries }) });
  }

  for (const path of files) {
    const name = basename(path);
    test(`${name} runs`, needs(firstVersions[name] ?? "1.4.0"), async () => {
      const text = fitting(path);
      await withCluster({ cluster: text }, async (cluster) => {
        await expectAllThere(text, cluster);
      });
    });
  }
});

test("many keys, and values as large as Consul accepts, come from files beside the cluster file", async () => {
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
  const keys = await keysIn(cluster);
  expect(keys.size).toBe(201);
  const sizeOf = (key: string) => Buffer.from(keys.get(key) ?? "", "base64").length;
  expect([sizeOf("odd key/ü?#"), sizeOf("many/199")]).toEqual([largest, 3]);
  await cluster.down();
  rmSync(workspace, { recursive: true });
});

describe("a refusal", () => {
  test("by Consul names the entry and its line", async () => {
    const job = new RecordedJob();
    const text = `datacenters: [{ name: dc1, servers: 1 }]
kv: { ok: y }
services:
  - { name: web, port: eighty }
  - { name: ok }
acl:
  policies:
    - Name: broken
      Rules: nonsense {
`;
    const result = await job.main(testInputs({ cluster: text }));
    expect(result.exitCode).toBe(1);
    const refusals = [
      /^::error [^:]*::Input `cluster`:4:5: Consul refused `services\[0\] \(web\)`: 400 .*[Pp]ort\b/m,
      /^::error [^:]*::Input `cluster`:8:7: Consul refused `acl.policies\[0\] \(broken\)`: 500 .*parse/m,
    ];
    for (const refusal of refusals) expect(result.log).toMatch(refusal);
    expect(result.log.match(/^::error/gm)).toHaveLength(2);
    await job.post();
    job.dispose();
  });

  test("of the file itself comes before anything is started", async () => {
    const job = new RecordedJob();
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
    const job = new RecordedJob();
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
