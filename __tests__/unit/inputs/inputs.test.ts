import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseImage } from "../../../src/docker/image-reference.ts";
import { InputError } from "../../../src/errors.ts";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";
import { noSeeds } from "../../../src/inputs/seeds.ts";

type Inputs = Readonly<Record<string, string>>;

const parse = (inputs: Inputs = {}) =>
  parseInputs((name) => inputs[name] ?? inputDefaults[name] ?? "");

/** The problems of inputs that must be refused. */
function refused(inputs: Inputs): string[] {
  try {
    parse(inputs);
  } catch (error) {
    if (error instanceof InputError) return error.problems.map(({ message }) => message);
    throw error;
  }
  throw new Error(`not refused: ${JSON.stringify(inputs)}`);
}

/** A datacenter that is connected with no other. */
const alone = (name: string) => ({ name, federation: name, dials: [] });

test("defaults give three servers of the latest Consul", () => {
  expect(parse()).toEqual({
    spec: {
      images: ["hashicorp/consul:latest"],
      pull: "missing",
      datacenters: [{ ...alone("dc1"), servers: 3, clients: 0, storage: "disk", config: "" }],
      ports: { http: 8500, dns: 8600, grpc: 8502 },
      config: "",
      fileConfig: { all: "", server: "", client: "" },
      nodes: new Map(),
      env: new Map(),
      network: "",
      engines: [],
      jobNetwork: "",
      logLevel: "info",
      security: { acl: false, gossipEncryption: false, tls: false },
      cli: false,
      seeds: noSeeds,
      timeout: 120_000,
      exportEnv: true,
      logs: "failure",
      cleanup: true,
    },
    warnings: [],
  });
});

test("every input is read", () => {
  const inputs = {
    version: "1.4.4",
    pull: "always",
    servers: "5",
    clients: "100",
    datacenter: "eu_west-1",
    "http-port": "0",
    "dns-port": "53",
    "grpc-port": "65535",
    config: "a = 1\n",
    env: "# comment\n\nCONSUL_DATA_DIR=/a b\r\nEMPTY=\nPAIR=a=b\n",
    network: "my.net-1",
    engines: "default, worker-1 worker-2",
    "job-network": "github_network_1",
    "log-level": "trace",
    acl: "true",
    "gossip-encryption": "True",
    tls: "TRUE",
    cli: "true",
    timeout: "1m30s",
    "export-env": "False",
    logs: "always",
    cleanup: "FALSE",
  };
  expect(parse(inputs).spec).toEqual({
    images: ["hashicorp/consul:1.4.4", "consul:1.4.4"],
    pull: "always",
    datacenters: [{ ...alone("eu_west-1"), servers: 5, clients: 100, storage: "disk", config: "" }],
    ports: { http: 0, dns: 53, grpc: 65535 },
    config: "a = 1\n",
    fileConfig: { all: "", server: "", client: "" },
    nodes: new Map(),
    env: new Map([
      ["CONSUL_DATA_DIR", "/a b"],
      ["EMPTY", ""],
      ["PAIR", "a=b"],
    ]),
    network: "my.net-1",
    engines: ["default", "worker-1", "worker-2"],
    jobNetwork: "github_network_1",
    logLevel: "trace",
    security: {
      acl: { managementToken: undefined },
      gossipEncryption: true,
      tls: { isMutual: false, ca: undefined },
    },
    cli: true,
    seeds: noSeeds,
    timeout: 90_000,
    exportEnv: false,
    logs: "always",
    cleanup: false,
  });
});

describe("image and version", () => {
  const digest = `sha256:${"0a".repeat(32)}`;
  test.each<[Inputs, string[]]>([
    [{ version: "2.1" }, ["hashicorp/consul:2.1", "consul:2.1"]],
    [{ image: "consul" }, ["consul:latest"]],
    [{ image: "registry:5000/a/b", version: "2.1" }, ["registry:5000/a/b:2.1"]],
    [{ image: "consul:1.8.7" }, ["consul:1.8.7"]],
    [{ image: "consul:1.8.7", version: "1.8.7" }, ["consul:1.8.7"]],
    [{ image: `a/b@${digest}` }, [`a/b@${digest}`]],
    [{ image: `a/b:1@${digest}` }, [`a/b:1@${digest}`]],
  ])("%j gives %j", (inputs, images) => {
    expect(parse(inputs).spec.images).toEqual(images);
  });

  test.each<Inputs>([
    { image: "consul:1.8.7", version: "1.8" },
    { image: `consul@${digest}`, version: "1.8" },
  ])("%j disagree", (inputs) => {
    expect(refused(inputs)).toEqual([
      `Input \`version\` is "1.8", but \`image\` is "${inputs.image}", which already sets the version: remove \`version\`, or the tag and digest.`,
    ]);
  });
});

test.each<Inputs>([
  { version: "v1.8.7" },
  { version: "^1.18" },
  { version: "1.1", image: "docker.io/hashicorp/consul" },
])("%j is refused with what was meant, once", (inputs) => {
  expect(refused(inputs)).toEqual([expect.stringMatching(/^Input `version` is .* Did you mean/)]);
});

test("other images may have such tags", () => {
  expect(parse({ image: "my/consul", version: "v1.8.7" }).spec.images).toEqual([
    "my/consul:v1.8.7",
  ]);
  // A range is no tag of any image.
  expect(refused({ image: "my/consul", version: "^1.18" })).toEqual([
    expect.stringContaining("it must be a tag"),
  ]);
  expect(
    refused({ image: "consul", version: "1.1", cluster: "{ image: my/consul }" }),
  ).toHaveLength(2);
});

test("a version in a cluster file is refused with its place", () => {
  expect(refused({ cluster: '{ version: "1.8.x" }' })).toEqual([
    'Input `cluster`:1:3: `version` is "1.8.x", which can\'t be used with hashicorp/consul: a tag has no wildcard, and `1.8` is the newest 1.8. Did you mean "1.8"?',
  ]);
  expect(parse({ cluster: "{ version: 1.8.x, image: my/consul }" }).spec.images).toEqual([
    "my/consul:1.8.x",
  ]);
  expect(refused({ cluster: '{ nodes: { server-1: { version: "v1.8.7" } } }' })).toEqual([
    'Input `cluster`:1:24: `nodes["server-1"].version` is "v1.8.7", which can\'t be used with hashicorp/consul: a tag has no "v". Did you mean "1.8.7"?',
  ]);
});

test.each([
  ["90s", 90],
  ["2m", 120],
  ["45", 45],
  ["1m30s", 90],
  ["1m30", 90],
  ["360m", 21_600],
])("timeout %s is %d seconds", (timeout, seconds) => {
  expect(parse({ timeout }).spec.timeout).toBe(seconds * 1000);
});

test.each([
  // Gitea's runner: a prefix, the workflow, and the job, cut, with a hash, and the job's ID.
  ["a long name", `GITEA-ACTIONS-TASK-7-${"x".repeat(140)}-test-network`, undefined],
  ["the machine's", "host", ""],
  ["the engine's default", "bridge", ""],
  ["the same in other words", "default", ""],
  ["no network", "none", ""],
  ["nothing", "", ""],
  ["what no network can be called", "--privileged", ""],
])("whatever the runner calls the job's network is accepted: %s", (_, name, expected = name) => {
  expect(parse({ "job-network": name }).spec.jobNetwork).toBe(expected);
});

test("a long name can be given by hand, too", () => {
  const network = `GITEA-ACTIONS-TASK-7-${"x".repeat(140)}-test-network`;
  expect(parse({ network }).spec.network).toBe(network);
});

test.each([
  [{}, { http: 8500, dns: 8600, grpc: 8502 }],
  [
    { "http-port": "9000", "grpc-port": "0" },
    { http: 9000, dns: 8600, grpc: 0 },
  ],
  [{ ports: "auto" }, { http: 0, dns: 0, grpc: 0 }],
  [
    { ports: "auto", "http-port": "9000" },
    { http: 9000, dns: 0, grpc: 0 },
  ],
  [
    { ports: "auto", "dns-port": "8600" },
    { http: 0, dns: 8600, grpc: 0 },
  ],
])("with %j the ports are %j", (inputs, ports) => {
  expect(parse(inputs).spec.ports).toEqual(ports);
});

describe("refused is", () => {
  test.each<[string, string[]]>([
    ["version", ["", "-1", ".5", "1 2", "a/b", "x".repeat(129), "1\n", "1.8.7;id"]],
    ["image", ["", "Upper/case", "a b", "a:b:c", "-a", "a//b", "a@sha256:12", "a:", "$(id)"]],
    ["servers", ["", "0", "16", "-1", "3.0", "three", " 3", "1e1", "9999999999"]],
    ["clients", ["", "101", "-1", "+1", "0x1"]],
    ["datacenter", ["", "DC1", "a.b", "a b", "x".repeat(64), "dc1\n"]],
    ["ports", ["", "Auto", "0"]],
    ["http-port", [" ", "65536", "-1", "http"]],
    ["config", ["x".repeat(120_001), "é".repeat(60_001), "a\0b"]],
    ["env", ["A", "=a", "1A=b", "A=1\nA=2", " A=1", "A B=1", "A=\0"]],
    ["network", ["-net", "a b", "a/b", ".a", "host", "bridge", "x".repeat(256)]],
    ["log-level", ["", "INFO", "err", "loud"]],
    ["timeout", ["", "0", "0s", "-5", "1h", "1.5m", "361m", "2m 3s", "s", "m", "1s2m"]],
    ["export-env", ["", "yes", "1", "tRue"]],
    ["cleanup", ["", "no", "false "]],
  ])("%s, if it is none of what is allowed", (name, values) => {
    for (const value of values) {
      const messages = refused({ [name]: value });
      expect(messages).toHaveLength(1);
      expect(messages[0]).toMatch(
        new RegExp(
          `^Input \`${name}\` is (".*"|not valid).*: it must be .* For example: \`${name}: `,
        ),
      );
    }
  });

  test("the same port twice, but not 0", () => {
    expect(refused({ "dns-port": "8500" })).toEqual([
      "Inputs `http-port` and `dns-port` are both 8500: use different ports, 0 for any free port, or `ports: auto`.",
    ]);
    expect(parse({ "http-port": "0", "dns-port": "0", "grpc-port": "0" }).spec.ports.dns).toBe(0);
    // 8500 is nobody's default here.
    expect(parse({ ports: "auto", "dns-port": "8500" }).spec.ports.dns).toBe(8500);
    expect(refused({ ports: "auto", "http-port": "9000", "dns-port": "9000" })).toHaveLength(1);
  });
});

test("all problems are reported at once, in the order of action.yml", () => {
  const messages = refused({ cleanup: "maybe", servers: "0", "grpc-port": "8600", version: "v 1" });
  expect(messages.map((message) => /`([a-z-]+)`/.exec(message)?.[1])).toEqual([
    "version",
    "servers",
    "cleanup",
    "dns-port",
  ]);
});

test("a message shows the value on one line and no longer than a line", () => {
  expect(refused({ servers: "a\nb" })[0]).toContain('Input `servers` is "a\\nb": it must be');
  expect(refused({ servers: "x".repeat(10_000) })[0]?.length).toBeLessThan(300);
});

test.each([
  ["1", 0],
  ["2", 1],
  ["3", 0],
  ["4", 1],
])("%s servers give %d warnings", (servers, count) => {
  expect(parse({ servers }).warnings).toHaveLength(count);
});

test("a warning about an even number of servers says what the cluster tolerates", () => {
  expect(parse({ servers: "4" }).warnings).toEqual([
    "Input `servers` is 4, an even number: the quorum is 3, so the cluster tolerates 1 failed server, no more than with 3 servers.",
  ]);
});

test("a cluster too large for Linux's neighbor table causes a warning", () => {
  expect(parse({ servers: "3", clients: "29" }).warnings).toEqual([]);
  expect(parse({ servers: "3", clients: "30" }).warnings).toEqual([
    expect.stringMatching(/^The cluster has 33 agents. .*gc_thresh3/),
  ]);
});

/** For each input something that may be right, something near it, or anything at all. */
const anyInputs = fc.record(
  Object.fromEntries(
    Object.entries(inputDefaults).map(([name, standard]) => [
      name,
      fc.oneof(
        { weight: 40, arbitrary: fc.constant(standard) },
        fc.constantFrom("", "0", "1", "15", "true", "10s", "A=b", "a:b", "-x", "\0", "__proto__"),
        fc.stringMatching(/^[a-zA-Z0-9._:/@=-]{1,12}$/),
        fc.integer().map(String),
        fc.string({ unit: "binary" }),
      ),
    ]),
  ),
);

test("any strings at all give a spec that holds its promises, or an InputError", () => {
  let specs = 0;
  fc.assert(
    fc.property(anyInputs, (inputs) => {
      try {
        const { spec } = parse(inputs);
        specs++;
        expect(
          spec.images.every((image) => parseImage(image)?.tag ?? parseImage(image)?.digest),
        ).toBeTruthy();
        const [{ name, servers, clients }] = spec.datacenters;
        expect(servers).toBeGreaterThanOrEqual(1);
        expect(servers + clients).toBeLessThanOrEqual(115);
        for (const port of Object.values(spec.ports)) expect(port).toSatisfy(Number.isInteger);
        expect(name).toMatch(/^[\w-]+$/);
        expect(spec.timeout).toBeGreaterThanOrEqual(1000);
        expect([...spec.env].flat().join("") + spec.config).not.toContain("\0");
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        expect(error.problems.length).toBeGreaterThan(0);
        for (const { input, message } of error.problems) {
          expect(inputDefaults).toHaveProperty(input);
          expect(message).not.toMatch(/[\n\r\0]/);
        }
      }
    }),
    { numRuns: 1000 },
  );
  // Else the first half of the property would say nothing.
  expect(specs).toBeGreaterThan(20);
});

test("problems in a file come last, in the order of its lines, whichever check found them", () => {
  const at = (line: number, column: number) => ({
    input: "cluster",
    place: { file: "cluster.yml", line, column },
    message: `${line}:${column}`,
  });
  const inputs = ["servers", "env"].map((input) => ({ input, message: input }));
  const { problems, message } = new InputError([at(5, 3), ...inputs, at(2, 9), at(2, 1)]);
  const ordered = ["servers", "env", "2:1", "2:9", "5:3"];
  expect(problems.map((problem) => problem.message)).toEqual(ordered);
  expect(message).toBe(ordered.join("\n"));
});
