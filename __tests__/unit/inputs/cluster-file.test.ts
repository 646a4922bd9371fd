import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { stringify } from "yaml";
import { type ClusterFile, parseClusterFile } from "../../../src/inputs/cluster-file.ts";
import { keyProblem } from "../../../src/inputs/kv-key.ts";
import { cpuTime } from "./cpu-time.ts";

const files = new Map([["greeting.txt", Buffer.from([0, 255, 10])]]);

function parse(text: string) {
  return parseClusterFile({
    text,
    name: "cluster.yml",
    readFile: (path) => {
      const file = files.get(path);
      if (!file) throw new Error("no such file");
      return file;
    },
  });
}

function good(text: string): ClusterFile {
  const { file, problems } = parse(text);
  expect(problems).toEqual([]);
  if (!file) throw new Error("no file");
  return file;
}

const messages = (text: string) => parse(text).problems.map(({ message }) => message);

/** The file of the README: every key once. */
const whole = `version: "1.8.7"
datacenters:
  - name: east
    servers: 3
    clients: 2
    config: { log_level: debug }
  - name: west
    servers: 1
config: { limits: { http_max_conns_per_client: 500 } }
server_config: { enable_debug: true }
client_config: { leave_on_terminate: true }
nodes:
  east-server-2: { version: "1.9", config: { node_meta: { rack: a } }, env: { TZ: UTC } }
  west-server-1: {}
acl:
  policies:
    - { Name: readers, Rules: 'key_prefix "" { policy = "read" }' }
  roles:
    - { Name: reader, Policies: [{ Name: readers }] }
  auth_methods:
    - { Name: ci, Type: jwt, Config: {} }
  binding_rules:
    - { AuthMethod: ci, BindType: role, BindName: reader }
  tokens:
    - { Description: app, Roles: [{ Name: reader }] }
feature_gates: { consul-ai: true }
catalog:
  - { Node: db, Address: 192.0.2.1, Service: { Service: db, Port: 5432 } }
prepared_queries:
  - { Name: nearest-db, Service: { Service: db } }
gossip_encryption: true
tls: false
services:
  - { name: web, port: 80, node: east-client-1, check: { ttl: 1h, status: passing } }
kv: { app/greeting: hello, raw: "@greeting.txt", at: "@@home" }
config_entries:
  - { Kind: service-defaults, Name: web, Protocol: http }
`;

describe("a good file", () => {
  test("is read with every key", () => {
    const { placeOf, seeds, ...rest } = good(whole);
    expect(rest).toEqual({
      version: "1.8.7",
      image: undefined,
      datacenters: [
        { name: "east", servers: 3, clients: 2, config: '{"log_level":"debug"}' },
        { name: "west", servers: 1, clients: undefined, config: "" },
      ],
      config: '{"limits":{"http_max_conns_per_client":500}}',
      serverConfig: '{"enable_debug":true}',
      clientConfig: '{"leave_on_terminate":true}',
      nodes: new Map([
        [
          "east-server-2",
          {
            place: { file: "cluster.yml", line: 13, column: 3 },
            version: "1.9",
            config: '{"node_meta":{"rack":"a"}}',
            env: new Map([["TZ", "UTC"]]),
          },
        ],
        [
          "west-server-1",
          {
            place: { file: "cluster.yml", line: 14, column: 3 },
            version: undefined,
            config: "",
            env: new Map(),
          },
        ],
      ]),
      acl: true,
      gossipEncryption: true,
      tls: false,
    });
    expect(seeds.services).toEqual([
      {
        name: "services[0] (web)",
        place: { file: "cluster.yml", line: 34, column: 5 },
        value: { name: "web", port: 80, check: { ttl: "1h", status: "passing" } },
        node: "east-client-1",
      },
    ]);
    expect(seeds.kv.map(({ key, value }) => [key, value.toString("latin1")])).toEqual([
      ["app/greeting", "hello"],
      ["raw", "\u0000ÿ\n"],
      ["at", "@home"],
    ]);
    expect(seeds.configEntries[0]?.name).toBe("config_entries[0] (service-defaults web)");
    expect(seeds.tokens[0]?.name).toBe("acl.tokens[0] (app)");
    expect(seeds.authMethods[0]?.name).toBe("acl.auth_methods[0] (ci)");
    expect(seeds.bindingRules[0]?.name).toBe("acl.binding_rules[0] (ci)");
    expect(seeds.catalog[0]?.name).toBe("catalog[0] (db)");
    expect(seeds.preparedQueries[0]?.name).toBe("prepared_queries[0] (nearest-db)");
    expect(seeds.featureGates).toEqual([
      {
        name: 'feature_gates["consul-ai"]',
        place: { file: "cluster.yml", line: 26, column: 18 },
        gate: "consul-ai",
        isEnabled: true,
      },
    ]);
    expect(placeOf("datacenters", 1, "servers")).toMatchObject({ line: 8, column: 5 });
  });

  test("may use aliases and merge keys", () => {
    const text = `
datacenters:
  - &base { name: east, servers: 1 }
  - { <<: *base, name: west }
config: &config { log_level: warn }
client_config: *config
`;
    expect(good(text).datacenters.map(({ name, servers }) => [name, servers])).toEqual([
      ["east", 1],
      ["west", 1],
    ]);
    expect(good(text).clientConfig).toBe('{"log_level":"warn"}');
  });

  test("may be JSON", () => {
    expect(good('{"acl": true, "kv": {"a": "b"}}').acl).toBe(true);
  });
});

describe("what is wrong", () => {
  test("is reported all at once, with file, line, column and key", () => {
    const text = `vesion: "2.1"
datacenters:
  - name: East
    severs: 3
    clients: 901
  - servers: 1.5
acl: { policy: [] }
tls: yes
kv: { a: 1, b: "@gone" }
version: 1.10
services: {}
frobnicate: 1
tls: true
`;
    expect(messages(text)).toEqual([
      "cluster.yml:1:1: `vesion` is not known; did you mean `version`?",
      'cluster.yml:3:5: `datacenters[0].name` is "East": it must be 1 to 63 lowercase letters, digits, `-`, and `_`.',
      "cluster.yml:4:5: `severs` is not known in `datacenters[0]`; did you mean `servers`?",
      "cluster.yml:5:5: `datacenters[0].clients` is 901: it must be a whole number from 0 to 100, or with `engines` that many for each of them.",
      "cluster.yml:6:5: `datacenters[1].name` is missing: it must be 1 to 63 lowercase letters, digits, `-`, and `_`.",
      "cluster.yml:6:5: `datacenters[1].servers` is 1.5: it must be a whole number from 1 to 15.",
      "cluster.yml:7:8: `policy` is not known in `acl`; did you mean `policies`?",
      "cluster.yml:9:7: `kv.a` is a number: it must be a string; put numbers and booleans in quotes.",
      'cluster.yml:10:1: `version` is 1.1: it must be a tag of the Consul image, in quotes ("1.10" without quotes is the number 1.1).',
      "cluster.yml:11:1: `services` is a mapping: it must be a list.",
      "cluster.yml:12:1: `frobnicate` is not known; known are `version`, `image`, `datacenters`, `peerings`, `config`, `server_config`, `client_config`, `nodes`, `acl`, `gossip_encryption`, `tls`, `snapshot`, `feature_gates`, `services`, `catalog`, `prepared_queries`, `kv`, `kv_file`, `config_entries`.",
      "cluster.yml:13:1: Map keys must be unique.",
    ]);
  });

  test.each([
    ["a: [", "cluster.yml:1:5: "],
    ["tls: true\n\tacl: true", "cluster.yml:2:1: "],
    ["kv: *nothing", "cluster.yml:1:5: Unresolved alias"],
    ["tls: !secret x", "cluster.yml:1:6: Unresolved tag: quote a value that starts with `!`."],
    ["", "cluster.yml:1:1: The file is empty: the keys of a cluster file are in docs"],
    ["- a", "cluster.yml:1:1: The file is not a mapping: the keys of a cluster file are in docs"],
    [
      "datacenters: []",
      "cluster.yml:1:1: `datacenters` is an empty list: it must have at least one",
    ],
    ["acl: 1", "cluster.yml:1:1: `acl` is a number: it must be `true`, `false`, or a mapping"],
    ["acl: { tokens: [hush] }", "cluster.yml:1:17: `acl.tokens[0]` is a string: it must be"],
    [
      "kv: { a: '@gone' }",
      "cluster.yml:1:7: `kv.a` names a file that can't be read: no such file.",
    ],
    [
      "feature_gates: { a: on }",
      "cluster.yml:1:18: `feature_gates.a` is a string: it must be `true` or `false`.",
    ],
    ["kv_file: ''", "cluster.yml:1:1: `kv_file` is a string: it must be the path of a file."],
    ["nodes: [a]", "cluster.yml:1:1: `nodes` is a list: it must be a mapping of node names to"],
    [
      "nodes: { a: { version: 1.10 } }",
      "cluster.yml:1:15: `nodes.a.version` is 1.1: it must be a tag of the Consul image, in quotes",
    ],
    [
      "nodes: { a: { verison: '1.10' } }",
      "cluster.yml:1:15: `verison` is not known in `nodes.a`; did you mean `version`?",
    ],
    [
      "nodes: { a: { env: { A: 1 } } }",
      "cluster.yml:1:22: `nodes.a.env.A` is a number: it must be a string; put numbers and booleans",
    ],
    [
      "nodes: { a: { env: { '1A': b } } }",
      "cluster.yml:1:22: `nodes.a.env.1A` is not a variable: a name has letters, digits, and `_`",
    ],
    [
      'nodes: { a: { env: { A: "\\0" } } }',
      "cluster.yml:1:22: `nodes.a.env.A` contains a NUL, which no variable can hold.",
    ],
    [
      "nodes: { a: { env: { CONSUL_DATA_DIR: /data } } }",
      "cluster.yml:1:22: `nodes.a.env.CONSUL_DATA_DIR` can't differ between nodes: set it in the input `env`",
    ],
    ["kv: { __proto__: a }", "cluster.yml:1:7: `__proto__` can't be a key here."],
    ["<<: 1", "cluster.yml:1:1: Merge sources must be maps"],
    [
      "datacenters: [{name: a}, {name: a}]",
      'cluster.yml:1:27: `datacenters[1].name` is "a", the same as `datacenters[0].name`',
    ],
  ])("%j", (text, message) => {
    expect(messages(text)).toEqual([expect.stringContaining(message)]);
    expect(parse(text).file).toBeUndefined();
  });

  test("as a text that explodes by its aliases", () => {
    const levels = Array.from({ length: 9 }, (_, level) => {
      const uses = `*a${level},`.repeat(9);
      return `a${level + 1}: &a${level + 1} [${uses}]`;
    });
    expect(messages(["a0: &a0 [x,x]", ...levels].join("\n"))).toEqual([
      expect.stringContaining("Excessive alias count"),
    ]);
  });

  test("as configuration too long for an agent's command line", () => {
    expect(messages(stringify({ config: { a: "x".repeat(120_000) } }))).toEqual([
      expect.stringMatching(/^cluster.yml:1:1: `config` is too long: .* at most 120000 bytes/),
    ]);
  });

  test.each([
    ["a: &a [*a]", "cluster.yml:1:8: Recursive alias"],
    ["kv: &a { <<: *a }", "cluster.yml:1:14: Recursive alias"],
    ["config: &a { b: { c: [*a] } }", "cluster.yml:1:23: Recursive alias"],
    [`config: ${"[".repeat(120)}${"]".repeat(120)}`, "Nested too deeply."],
    ["config: ".concat("[".repeat(100_000)), "Nested too deeply."],
    [`a: &a 1\nb: [${"*a,".repeat(1001)}]`, "More than 1000 aliases."],
    ["config: { 1: a, '1': b }", "cluster.yml:1:17: Map keys must be unique."],
  ])("as a recursive, deep, or repetitive text (%#), without a crash", (text, message) => {
    expect(messages(text)).toContainEqual(expect.stringContaining(message));
  });
});

describe("nothing is quoted", () => {
  test.each([
    ["SECRET=hush-hush\nOTHER=hush-hush\n"],
    ["root:x:0:0:hush-hush:/root:/bin/bash\n"],
    ["- hush-hush: hush-hush\n"],
    ["hush-hush"],
    ["'hush-hush' hush-hush"],
    ["%hush-hush\n---\n"],
    ["!hush-hush x"],
    ["*hush-hush"],
    ["|hush-hush\nx"],
    ["[hush-hush"],
    ['"hush-hush\\q"'],
    ["@hush-hush"],
    ["} hush-hush"],
  ])("of a file that is not a mapping: %j", (text) => {
    expect(messages(text).length).toBeGreaterThan(0);
    expect(messages(text).join()).not.toContain("hush");
  });

  test.each([
    ["acl: { tokens: hush-hush, secrets: hush-hush }"],
    ["config: 'encrypt = \"hush-hush\"'"],
    ["datacenters: [{ name: a, config: hush-hush }]"],
    ["datacenters: hush-hush"],
    ["datacenters: { name: hush-hush }"],
    ["services: [hush-hush]"],
    ["nodes: hush-hush"],
    ["kv_file: hush-hush"],
    ["kv_file: [hush-hush]"],
    ["feature_gates: { a: hush-hush }"],
    ["catalog: [hush-hush]"],
    ["acl: { auth_methods: [hush-hush] }"],
    ["nodes: { a: hush-hush }"],
    ["nodes: { a: { env: { PASSWORD: [hush-hush] } } }"],
    ["nodes: { a: { env: { CONSUL_UID: hush-hush } } }"],
    ["services: [{ node: [hush-hush] }]"],
    ["kv: { a: [hush-hush] }"],
    ["kv: { a: '@hush-hush' }"],
    ["kv: { a: *hush-hush }"],
    ["kv: { a: !hush-hush }"],
    ["PASSWORD=hush-hush: x"],
    ["config: {} } hush-hush"],
    ["version: { a: hush-hush }"],
  ])("but keys and values that can't be secret: %j", (text) => {
    expect(messages(text).length).toBeGreaterThan(0);
    expect(messages(text).join()).not.toContain("hush");
  });
});

test("nothing is printed by the parser itself, such as a key that it doesn't expect", () => {
  const warned = vi.spyOn(process, "emitWarning").mockReturnValue();
  onTestFinished(() => warned.mockRestore());
  expect(messages("config: { ? { hush: hush } : x }")).toEqual([]);
  expect(warned).not.toHaveBeenCalled();
});

describe("time is linear in", () => {
  const lines = (count: number, line: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => line(index)).join("");

  test.each([
    ["keys", `kv:\n${lines(40_000, (index) => `  key-${index}: a\n`)}`],
    ["keys of a flow mapping", `kv: {${lines(40_000, (index) => `key-${index}: a,`)}}`],
    [
      "keys behind an alias",
      `config: &a\n${lines(10_000, (index) => `  key-${index}: a\n`)}kv: *a`,
    ],
    ["wrong values", `kv:\n${lines(10_000, (index) => `  key-${index}: 1\n`)}`],
    ["aliases", `a:\n${lines(10_000, (index) => `- [&a${index} [], *a${index}]\n`)}`],
  ])("the number of %s", { timeout: 60_000 }, (_, text) => {
    // It takes half a second; quadratic time would be 10 s and more.
    expect(cpuTime(() => parse(text))).toBeLessThan(4000);
  });
});

describe("for any", () => {
  const count = (max: number, min = 0) => fc.option(fc.integer({ min, max }), { nil: undefined });
  const name = fc.stringMatching(/^[a-z0-9_-]{1,63}$/);
  const key = fc.string().filter((text) => text !== "__proto__" && text !== "<<");
  const definition = fc.dictionary(
    key,
    fc
      .jsonValue({ maxDepth: 2 })
      .map((value) => JSON.stringify(value))
      .filter((text) => !/__proto__|<</.test(text))
      .map((text) => JSON.parse(text)),
  );
  const file = fc.record(
    {
      datacenters: fc.uniqueArray(fc.record({ name, servers: count(15, 1), clients: count(100) }), {
        selector: (datacenter) => datacenter.name,
        minLength: 1,
        maxLength: 4,
      }),
      kv: fc.dictionary(
        key.filter((text) => keyProblem(text) === undefined),
        fc.string().filter((value) => !value.startsWith("@")),
      ),
      config: definition,
      config_entries: fc.array(definition),
    },
    { requiredKeys: [] },
  );

  test("content, what was written is what is read", () => {
    fc.assert(
      fc.property(file, (content) => {
        const read = good(stringify(content, { keepUndefined: false }));
        const { datacenters = [], kv = {}, config, config_entries = [] } = content;
        expect(read.datacenters).toEqual(datacenters.map((each) => ({ ...each, config: "" })));
        const pairs = read.seeds.kv.map(({ key, value }) => [key, value.toString()]);
        expect(new Map(pairs.map(([key, value]) => [key, value]))).toEqual(
          new Map(Object.entries(kv)),
        );
        expect(read.config).toBe(config === undefined ? "" : JSON.stringify(config));
        expect(read.seeds.configEntries.map(({ value }) => value)).toEqual(config_entries);
      }),
      { numRuns: 50 },
    );
  });

  test("text there is a file or problems, each with a place in the text", () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom("datacenters:", "  - name: a", "kv: &a", " <<: *a", "acl: {", "- [", "? a"),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { file, problems } = parse(lines.join("\n"));
        expect(file === undefined).toBe(problems.length > 0);
        for (const { place } of problems) {
          expect(place?.line).toBeGreaterThanOrEqual(1);
          expect(place?.line).toBeLessThanOrEqual(lines.join("\n").split("\n").length + 1);
          expect(place?.column).toBeGreaterThanOrEqual(1);
        }
      }),
      { numRuns: 500 },
    );
  });
});
