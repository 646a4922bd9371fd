import { expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";

const files = new Map([
  ["test/cluster.yml", 'kv: { a: "@value.txt", b: "@/root.txt" }'],
  ["test/value.txt", "near"],
  ["/root.txt", "far"],
]);

function parse(inputs: Readonly<Record<string, string>>) {
  const readFile = (path: string) => {
    const text = files.get(path);
    if (text === undefined) throw new Error(`no ${path}`);
    return Buffer.from(text);
  };
  return parseInputs((name) => inputs[name] ?? inputDefaults[name] ?? "", readFile);
}

function refused(inputs: Readonly<Record<string, string>>): string[] {
  try {
    parse(inputs);
  } catch (error) {
    if (error instanceof InputError) return error.problems.map(({ message }) => message);
    throw error;
  }
  return [];
}

test("a path names a file, and values name files from its folder on", () => {
  const { kv } = parse({ cluster: "test/cluster.yml" }).spec.seeds;
  expect(kv.map(({ value }) => value.toString())).toEqual(["near", "far"]);
  expect(refused({ cluster: "cluster.yml" })).toEqual([
    "Input `cluster` is \"cluster.yml\", which can't be read: no cluster.yml. Give the path of a file, relative to the workspace's root (is the repository checked out?), or the YAML itself.",
  ]);
});

const everything = `version: "1.9"
image: consul
datacenters:
  - { name: east, servers: 1, clients: 2 }
acl: false
gossip_encryption: true
tls: true
`;

test("what the file does not say, the inputs say", () => {
  const inputs = { servers: "1", clients: "1", acl: "true", datacenter: "a", storage: "disk" };
  const said = parse({ ...inputs, cluster: "{ datacenters: [{ name: a }, { name: b }] }" }).spec;
  expect(said.datacenters.map(({ servers, clients }) => [servers, clients])).toEqual([
    [1, 1],
    [1, 1],
  ]);
  expect(said.security.acl).toEqual({ managementToken: undefined });
  const { spec, warnings } = parse({ cluster: "{ datacenters: [{ name: a, servers: 2 }] }" });
  expect(spec.datacenters[0].clients).toBe(0);
  expect(warnings).toEqual([expect.stringContaining("`servers` is 2, an even number")]);
});

test("the same value in both is no problem, and neither is a default", () => {
  const { spec } = parse({
    cluster: everything,
    ...{ version: "1.9", image: "consul", datacenter: "east", servers: "1", clients: "2" },
    ...{ tls: "True", "gossip-encryption": "true" },
  });
  expect(spec.images).toEqual(["consul:1.9"]);
  expect(spec.security).toEqual({
    acl: false,
    gossipEncryption: true,
    tls: { isMutual: false, ca: undefined },
  });
  expect(refused({ cluster: everything })).toEqual([]);
});

test("what they say differently is reported, with both values", () => {
  const inputs = {
    ...{ version: "1.8", image: "hashicorp/other", datacenter: "west", servers: "5" },
    ...{ clients: "1", acl: "true" },
  };
  expect(refused({ ...inputs, cluster: everything })).toEqual([
    "Input `cluster`:1:1: `version` is 1.9 here, but input `version` is 1.8: set it in one place only.",
    "Input `cluster`:2:1: `image` is consul here, but input `image` is hashicorp/other: set it in one place only.",
    "Input `cluster`:4:7: `name` is east here, but input `datacenter` is west: set it in one place only.",
    "Input `cluster`:4:19: `servers` is 1 here, but input `servers` is 5: set it in one place only.",
    "Input `cluster`:4:31: `clients` is 2 here, but input `clients` is 1: set it in one place only.",
    "Input `cluster`:5:1: `acl` is false here, but input `acl` is true: set it in one place only.",
  ]);
});

test.each([
  [{ cluster: "version: '1.8'\n", image: "consul:1.9" }, "The cluster file's `version`"],
  [{ cluster: "image: consul:1.9\n", version: "1.8" }, "but the file's `image` is"],
  [{ cluster: "datacenters: [{ name: a, servers: 3 }]\n", storage: "memory" }, "`servers` is 3"],
  [{ cluster: "services: [{ name: a, node: serer-1 }]\n" }, "did you mean `server-1`?"],
  [{ cluster: "nodes: { serer-1: {} }\n" }, '`nodes["serer-1"]` is for node `serer-1`, which is'],
  [
    { cluster: "catalog: [{ node: Server-1, Address: 192.0.2.1 }]\n" },
    "Input `cluster`:1:11: `catalog[0] (Server-1)` is for a node of this cluster, whose agent removes what it did not register itself. Use `services` with `node: server-1`, or another name",
  ],
  [{ cluster: "nodes: { serer-1: {} }\n" }, "not in this cluster; did you mean `server-1`?"],
  [{ cluster: "nodes: { client-1: {} }\n", servers: "1" }, "its nodes are server-1."],
  [{ cluster: "services: [{ name: a, node: x }]\n", servers: "1" }, "its nodes are server-1."],
])("%j", (inputs, message) => {
  expect(refused(inputs)).toEqual([expect.stringContaining(message)]);
});

test("a node's own version is one of the cluster's repository", () => {
  const imagesOf = (inputs: Readonly<Record<string, string>>) =>
    Array.from(parse(inputs).spec.nodes, ([node, { images }]) => [node, images]);
  const cluster = 'nodes: { server-2: { version: "1.21" }, server-3: {} }\n';
  expect(imagesOf({ cluster, version: "1.20" })).toEqual([
    ["server-2", ["hashicorp/consul:1.21", "consul:1.21"]],
    ["server-3", []],
  ]);
  expect(imagesOf({ cluster, image: "localhost:5000/consul:1.20" })).toEqual([
    ["server-2", ["localhost:5000/consul:1.21"]],
    ["server-3", []],
  ]);
});
