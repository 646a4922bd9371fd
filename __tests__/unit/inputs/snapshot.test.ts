import { describe, expect, test } from "vitest";
import { type Message, serverOf, snapshotOf, tokenOf } from "../../../script/snapshot-file.ts";
import { parseClusterFile } from "../../../src/inputs/cluster-file.ts";
import type { Datacenter, Security } from "../../../src/inputs/cluster-spec.ts";
import { unreadable, unrestorable } from "../../../src/inputs/snapshot.ts";

/** Reads a cluster file beside which there is a snapshot. */
function parse(text: string, content: Buffer = snapshotOf()) {
  const readFile = (path: string) => {
    if (path !== "state.snap") throw new Error("no such file");
    return content;
  };
  return parseClusterFile({ text, name: "cluster.yml", readFile });
}

const messages = (text: string, content?: Buffer) =>
  parse(text, content).problems.map(({ message }) => message);

function snapshotWith(...content: readonly Message[]) {
  const { file } = parse("acl: true\nsnapshot: state.snap", snapshotOf(...content));
  if (!file?.snapshot) throw new Error("the file has no snapshot");
  return file.snapshot;
}

describe("the file that `snapshot` names", () => {
  test("is read as it is, and its tokens are secret", () => {
    const content = snapshotOf(tokenOf("6e0a3a4e-52cb"), serverOf("1.22.7"));
    const { file, problems, secrets } = parse("snapshot: state.snap", content);
    expect(problems).toEqual([]);
    expect(secrets).toEqual(["6e0a3a4e-52cb"]);
    expect(file?.snapshot).toEqual({
      name: "snapshot",
      place: { file: "cluster.yml", line: 1, column: 1 },
      content,
      facts: {
        version: "1.22.7",
        hasAcl: true,
        needsEnterprise: false,
        secrets: ["6e0a3a4e-52cb"],
      },
    });
  });

  test("can't be missing or something else; all problems are told at once", () => {
    expect(messages("kv: { /a: b }\nsnapshot: other.snap")).toEqual([
      expect.stringContaining("cluster.yml:1:7: `kv"),
      "cluster.yml:2:1: `snapshot`: the file can't be read: no such file.",
    ]);
    expect(messages("snapshot: state.snap", Buffer.from("{}"))).toEqual([
      "cluster.yml:1:1: `snapshot`: the file is not what `consul snapshot save` writes: it is not a whole gzip archive.",
    ]);
    for (const text of ["snapshot: [a]", 'snapshot: ""', "snapshot: 1"])
      expect(messages(text)).toEqual([expect.stringContaining("must be the path of a file")]);
  });
});

const oneDatacenter: readonly [Datacenter] = [
  {
    ...{ name: "dc1", federation: "dc1", dials: [] },
    ...{ servers: 1, clients: 0, storage: "disk", config: "" },
  },
];
const security: Security = { acl: false, gossipEncryption: false, tls: false };
const withAcls: Security = { ...security, acl: { managementToken: undefined } };

describe("a snapshot is refused", () => {
  test.each([
    [snapshotWith(), security, []],
    [snapshotWith(tokenOf("a")), withAcls, []],
    [snapshotWith(), withAcls, []],
    [
      snapshotWith(tokenOf("a")),
      security,
      [
        "cluster.yml:2:1: `snapshot` has ACLs, but this cluster has none, so that every request would be allowed. Set `acl: true`.",
      ],
    ],
  ])("with ACLs, for a cluster without (%#)", (snapshot, security, expected) => {
    const spec = { snapshot, security, datacenters: oneDatacenter };
    expect(unrestorable(spec).map(({ message }) => message)).toEqual(expected);
  });

  test("for several datacenters", () => {
    const [dc1] = oneDatacenter;
    const datacenters = [dc1, { ...dc1, name: "dc2" }] as const;
    const problems = unrestorable({ snapshot: snapshotWith(), security, datacenters });
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^cluster.yml:2:1: .*several datacenters, and this cluster has 2: the others have/,
      ),
    ]);
    const peered = [dc1, { ...dc1, name: "dc2", federation: "dc2" }] as const;
    const others = unrestorable({ snapshot: snapshotWith(), security, datacenters: peered });
    expect(others.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /this cluster has 2: a snapshot has the state of one, and the peerings/,
      ),
    ]);
    expect(unrestorable({ snapshot: undefined, security, datacenters })).toEqual([]);
  });

  test.each<[Message[], string, RegExp[]]>([
    [[serverOf("1.22.7")], "1.22.7", []],
    [[serverOf("1.22.7")], "1.22.8", []],
    [[serverOf("1.22.7")], "1.22.6", [/is of Consul 1.22.7 or later, but this is Consul 1.22.6/]],
    // Registrations don't say that a server runs a prerelease.
    [[serverOf("2.1.0")], "2.1.0-dev", []],
    [[serverOf("2.1.0")], "2.0.1", [/Set `version` to 2.1.0 or later/]],
    [[serverOf("1.22.0+ent")], "1.22.0", []],
    [[[65, {}]], "1.22.0+ent", []],
    [[[65, {}], serverOf("2.1.0+ent")], "1.22.0", [/2.1.0 or later/, /only Consul Enterprise/]],
    [[], "1.4.4", []],
  ])("if it is newer than the servers (%#)", (content, version, expected) => {
    const found = unreadable(snapshotWith(...content), version);
    expect(found.map(({ message }) => message)).toEqual(
      expected.map((each) => expect.stringMatching(each)),
    );
  });

  test("naming the node that is too old", () => {
    const [problem] = unreadable(snapshotWith(serverOf("1.9.1")), "1.8.7", "server-2");
    expect(problem?.message).toBe(
      "cluster.yml:2:1: `snapshot` is of Consul 1.9.1 or later, but server-2 runs Consul 1.8.7, and Consul restores no snapshot of a later version than its own. Set its `version` to 1.9.1 or later.",
    );
  });
});
