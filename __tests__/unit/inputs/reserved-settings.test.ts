import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";
import { reservedProblems, reservedSettings } from "../../../src/inputs/reserved-settings.ts";
import { cpuTime } from "./cpu-time.ts";

/** The messages about these inputs; empty if they are valid. */
function messages(inputs: Readonly<Record<string, string>>): string[] {
  try {
    parseInputs((name) => inputs[name] ?? inputDefaults[name] ?? "");
    return [];
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.problems.map(({ message }) => message);
  }
}

const agents =
  "use the inputs `servers` and `clients`, or `datacenters` in a cluster file, to say how many agents there are.";
const primary = "list the primary datacenter first under `datacenters` in a cluster file.";
const client = "set `CONSUL_CLIENT_INTERFACE` in the input `env` to choose what agents listen on.";
const own = "keep the default: every agent has an address of its own, so ports can't collide.";

/** Each setting, a value that is refused, what `server-1` of three has, and what to use instead. */
const rows: [setting: string, wrong: unknown, ours: unknown, instead: string][] = [
  ["node_name", "me", "server-1", "use the names that the action gives, which the output `nodes`"],
  ["datacenter", "other", "dc1", "use the input `datacenter`, or `datacenters` in a cluster file."],
  ["primary_datacenter", "other", "dc1", primary],
  ["acl_datacenter", "other", "dc1", primary],
  ["server", false, true, agents],
  ["bootstrap", true, false, agents],
  ["bootstrap_expect", 5, 3, agents],
  ["data_dir", "/data", "/consul/data", "set `CONSUL_DATA_DIR` in the input `env`."],
  [
    "bind_addr",
    "192.0.2.1",
    '{{ GetInterfaceIP "eth0" }}',
    "set `CONSUL_BIND_INTERFACE` in the input `env`.",
  ],
  ["client_addr", "127.0.0.1", "0.0.0.0", client],
  ["addresses.http", "127.0.0.1", "0.0.0.0", client],
  ["addresses.https", "unix:///a", "0.0.0.0", client],
  ["addresses.dns", "127.0.0.1", "0.0.0.0", client],
  ["addresses.grpc", "127.0.0.1", "0.0.0.0", client],
  ["addresses.grpc_tls", "127.0.0.1", "0.0.0.0", client],
  ["ports.http", 9500, 8500, "use the input `http-port` for the port on the runner, and the input"],
  ["ports.https", 8501, -1, "use the input `tls` for HTTPS, and the input `http-port` for the"],
  ["ports.grpc", -1, 8502, "use the input `grpc-port` for the port on the runner."],
  ["ports.grpc_tls", 9503, 8503, "use the input `tls` for TLS, and the input `grpc-port` for"],
  ["ports.dns", 53, 8600, "use the input `dns-port` for the port on the runner."],
  ["ports.server", 9300, 8300, own],
  ["ports.serf_lan", 9301, 8301, own],
  ["ports.serf_wan", -1, 8302, own],
];

/** `{"ports":{"http":1}}` */
const json = (setting: string, value: unknown) =>
  JSON.stringify(setting.split(".").reduceRight((inner, key) => ({ [key]: inner }), value));

/** `ports { http = 1 }`, on three lines. */
function hcl(setting: string, value: unknown): string {
  const [outer = "", inner] = setting.split(".");
  const text = JSON.stringify(value);
  return inner === undefined ? `${outer} = ${text}` : `${outer} {\n  "${inner}" = ${text}\n}`;
}

/** A way to give configuration. */
interface Way {
  readonly write: (setting: string, value: unknown) => string;
  /** The input with this text, and its text around the configuration. */
  readonly input: readonly [name: string, before: string];
  /** How messages start. */
  readonly start: (setting: string, line: number, column: number) => string;
}

const inFile = (before: string, path: string): Way => ({
  write: json,
  input: ["cluster", before],
  start: (setting, line, column) => `Input \`cluster\`:${line}:${column}: \`${path}.${setting}\``,
});

const inConfig = (write: Way["write"]): Way => ({
  write,
  input: ["config", ""],
  start: (setting, line, column) =>
    `Input \`config\`, line ${line}, column ${column}: \`${setting}\``,
});

const ways: Readonly<Record<string, Way>> = {
  "JSON in the input `config`": inConfig(json),
  "HCL in the input `config`": inConfig(hcl),
  CONSUL_LOCAL_CONFIG: {
    write: json,
    input: ["env", "CONSUL_LOCAL_CONFIG="],
    start: (setting, _, column) =>
      `Input \`env\`: CONSUL_LOCAL_CONFIG, line 1, column ${column - 20}: \`${setting}\``,
  },
  "a cluster file's `config`": inFile("config:\n  ", "config"),
  "a cluster file's `server_config`": inFile("# servers\nserver_config: ", "server_config"),
  "a cluster file's `datacenters[].config`": inFile(
    "datacenters:\n  - name: dc1\n    config: ",
    "datacenters[0].config",
  ),
};

/** The start of a message about the last key of a setting in a text. */
function startIn(text: string, setting: string, { start }: Way): string {
  const key = setting.replace(/.*\./, "");
  const offset = Math.max(text.lastIndexOf(`"${key}"`), text.search(new RegExp(`^${key} =`, "m")));
  const lines = text.slice(0, offset).split("\n");
  return start(setting, lines.length, (lines.at(-1) ?? "").length + 1);
}

/** Reserved only with ACLs, TLS, or a license: security-inputs.test.ts has them. */
const ofSecured = [
  ...["acl.tokens.initial_management", "acl.tokens.master", "acl_master_token"],
  ...["verify_incoming_https", "tls.https.verify_incoming"],
  ...["verify_incoming", "tls.defaults.verify_incoming"],
  "license_path",
];

test("the rows here are those of the table", () => {
  expect([...rows.map(([setting]) => setting), ...ofSecured]).toEqual(
    reservedSettings.map(({ setting }) => setting),
  );
});

describe.each(Object.entries(ways))("%s", (_, way) => {
  const [name, before] = way.input;

  test.each(rows)(
    "%s: %j is refused, with what to use instead",
    (setting, wrong, ours, instead) => {
      const text = before + way.write(setting, wrong);
      const values = `is ${JSON.stringify(wrong)}, but the action needs ${JSON.stringify(ours)} on server-1`;
      expect(messages({ [name]: text })).toEqual([
        expect.stringContaining(`${startIn(text, setting, way)} ${values}: ${instead}`),
      ]);
    },
  );

  test.each(rows)("%s: what the servers have anyway passes", (setting, _, ours) => {
    const text = before + way.write(setting, ours);
    const servers = setting === "node_name" ? "1" : "3";
    expect(messages({ [name]: text, servers })).toEqual([]);
  });
});

describe("what agents have", () => {
  const tls = { tls: "true" };
  const file = (text: string) => ({ cluster: `${text}\n` });
  const two = "datacenters: [{ name: east, servers: 1, clients: 1 }, { name: west, servers: 1";

  test.each([
    ["HTTPS in place of HTTP", { ...tls, config: "ports { http = -1 https = 8500 }" }],
    ["gRPC with TLS up to Consul 1.13", { ...tls, config: "ports { grpc = 8502 }" }],
    ["gRPC with TLS later", { ...tls, config: "ports { grpc = -1 grpc_tls = 8502 }" }],
    ["no gRPC with TLS", { config: "ports { grpc_tls = -1 }" }],
    ["another datacenter", { datacenter: "east", config: 'datacenter = "east"' }],
    ["one server in memory", { servers: "1", config: "bootstrap_expect = 0" }],
    ["one server on disk", { servers: "1", storage: "disk", config: "bootstrap_expect = 1" }],
    ["folders from env", { env: "CONSUL_DATA_DIR=/srv/", config: 'data_dir = "/srv"' }],
    [
      "addresses from env",
      {
        env: "CONSUL_BIND_INTERFACE=eth1\nCONSUL_CLIENT_INTERFACE=eth2",
        config: JSON.stringify({
          bind_addr: '{{ GetInterfaceIP "eth1" }}',
          client_addr: '{{ GetInterfaceIP "eth2" }}',
        }),
      },
    ],
    ["roles", { ...file("server_config: { server: true }"), clients: "2" }],
    ["clients", { ...file("client_config: { server: false }"), clients: "2" }],
    ["no clients", file("client_config: { server: true }")],
    [
      "several datacenters",
      file(
        `${two}, config: { datacenter: west, node_name: west-server-1, primary_datacenter: east }, clients: 0 }]`,
      ),
    ],
  ] as [string, Record<string, string>][])("%s", (_, inputs) => {
    expect(messages(inputs)).toEqual([]);
  });

  test.each([
    [{ config: "server = true", clients: "1" }, "needs false on client-1"],
    [{ config: "bootstrap_expect = 3", clients: "1" }, "needs 0 on client-1"],
    [{ config: 'node_name = "server-1"' }, 'needs "server-2" on server-2'],
    [{ ...tls, config: "ports { http = 8500 }" }, "needs -1 on server-1"],
    [{ ...tls, config: "ports { grpc_tls = 8503 }" }, "needs 8502 on server-1"],
    [{ servers: "1", config: "bootstrap_expect = 1" }, "needs 0 on server-1"],
    [file(`${two} }]\nconfig: { datacenter: east }`), 'needs "west" on west-server-1'],
    [{ env: "CONSUL_CLIENT_INTERFACE=eth0", config: 'client_addr = "0.0.0.0"' }, "GetInterfaceIP"],
    [{ config: 'Datacenter = "other"' }, "`Datacenter` is"],
    [{ config: '{"ports": [{"HTTP": 1}]}' }, "`ports.HTTP` is 1"],
    [file("x: &x { http: 1 }\nconfig: { ports: *x }"), "`x` is not known"],
  ] as [Record<string, string>, string][])("%j is refused", (inputs, words) => {
    expect(messages({ ...inputs })).toEqual([expect.stringContaining(words)]);
  });

  test("all of it is reported at once, in the order of lines", () => {
    const text =
      "config:\n  server: false\n  ports:\n    http: 1\n    sidecar_min_port: 2\n  datacenter: x\n";
    expect(messages({ cluster: text, config: "ports { dns = 1 }" })).toEqual([
      expect.stringMatching(/^Input `config`, line 1, column 9: /),
      expect.stringMatching(/^Input `cluster`:2:3: /),
      expect.stringMatching(/^Input `cluster`:4:5: /),
      expect.stringMatching(/^Input `cluster`:6:3: /),
    ]);
  });

  test("an invalid cluster file is not compared with", () => {
    const cluster = "datacenters: [{ name: east }]\nfoo: 1\n";
    expect(messages({ cluster, config: 'datacenter = "east"' })).toEqual([
      expect.stringContaining("`foo` is not known"),
    ]);
  });
});

describe("any other setting passes", () => {
  const names = reservedSettings.map(({ setting }) => setting);
  const scalar = fc.oneof(fc.stringMatching(/^[^\0]*$/), fc.integer(), fc.boolean());
  const innerKey = fc.oneof(
    fc.stringMatching(/^[a-z][a-z_]{0,11}$/),
    fc.constantFrom(...names.map((name) => name.replace(/.*\./, ""))),
  );
  const outerKey = fc
    .oneof(fc.stringMatching(/^[a-z][a-z_]{0,11}$/), fc.constantFrom("ports", "addresses"))
    .filter((key) => !names.includes(key));
  const settings = fc
    .dictionary(
      outerKey,
      fc.oneof(scalar, fc.dictionary(innerKey, fc.oneof(scalar, fc.dictionary(innerKey, scalar)))),
    )
    .filter((value) =>
      Object.entries(value).every(
        ([outer, inner]) =>
          typeof inner !== "object" ||
          Object.entries(inner).every(
            ([key, each]) => typeof each === "object" || !names.includes(`${outer}.${key}`),
          ),
      ),
    );

  test.each(Object.entries(ways))("in %s", (_, { input: [name, before] }) => {
    fc.assert(
      fc.property(settings, (value) => {
        expect(messages({ [name]: before + JSON.stringify(value) })).toEqual([]);
      }),
    );
  });

  test.each([
    "ports { sidecar_min_port = 9000 sidecar_max_port = 9100 proxy_min_port = 1 }",
    'advertise_addr = "192.0.2.1"',
    'serf_lan = "192.0.2.1"',
    'service { name = "web" port = 80 datacenter = "x" }',
    'services = [{ name = "server", ports = { http = 1 } }]',
    '# server = false\nnode_meta { datacenter = "other" }',
    'log_file = "server = false"',
    "x = <<EOF\nserver = false\nEOF\n",
  ])("%s", (config) => {
    expect(messages({ config })).toEqual([]);
  });
});

test("the docs list every setting with what to use instead", () => {
  const docs = readFileSync("docs/cluster-file.md", "utf8");
  const [, section = ""] = docs.split("### Reserved settings");
  const listed = section.split("\n#")[0] ?? "";
  for (const { setting } of reservedSettings) expect(listed).toContain(`\`${setting}\``);
  const inDocs = [...listed.matchAll(/^\| (?<settings>`[^|]*) \|/gm)].flatMap(({ groups }) =>
    Array.from((groups?.settings ?? "").matchAll(/`([^`]+)`/g), ([, name]) => name),
  );
  expect(inDocs.toSorted()).toEqual(reservedSettings.map(({ setting }) => setting).toSorted());
});

test.each(["config", "env"])("time is linear in the number of mistakes in `%s`", (input) => {
  const { spec } = parseInputs((name) => inputDefaults[name] ?? "");
  const count = 60_000;
  const text = "server=1\n".repeat(count);
  const env = new Map([["CONSUL_LOCAL_CONFIG", text]]);
  const given = { ...spec, ...(input === "env" ? { env } : { config: text }) };
  // It takes less than a second; quadratic time would be minutes.
  expect(cpuTime(() => reservedProblems(given))).toBeLessThan(10_000);
  const problems = reservedProblems(given);
  expect(problems).toHaveLength(count);
  expect(problems.at(-1)?.message).toContain(`line ${count}, column 1: `);
});

test("a single node's configuration and CONSUL_LOCAL_CONFIG are compared with that node", () => {
  const cluster = `
nodes:
  server-2:
    config: { node_name: server-2, ports: { http: 9500 } }
    env: { CONSUL_LOCAL_CONFIG: 'datacenter = "other"' }
`;
  expect(messages({ cluster })).toEqual([
    expect.stringContaining(
      'Input `cluster`:4:45: `nodes["server-2"].config.ports.http` is 9500, but the action needs 8500 on server-2',
    ),
    expect.stringContaining(
      'Input `cluster`:5:12: `nodes["server-2"].env.CONSUL_LOCAL_CONFIG.datacenter` is "other", but the action needs "dc1" on server-2',
    ),
  ]);
});
