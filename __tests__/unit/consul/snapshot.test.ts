import { gzipSync } from "node:zlib";
import { encode } from "@msgpack/msgpack";
import { expect, test } from "vitest";
import {
  archiveOf,
  type Message,
  serverOf,
  snapshotOf,
  tokenOf,
} from "../../../script/snapshot-file.ts";
import { readSnapshot } from "../../../src/consul/snapshot.ts";

const key: Message = [2, { Key: "app/a", Value: Buffer.from([0, 255, 128]), Flags: 2 ** 40 }];
const nothing = { version: undefined, hasAcl: false, needsEnterprise: false, secrets: [] };

test.each<[string, Message[], object]>([
  ["keys alone", [key, key], nothing],
  ["nothing", [], nothing],
  ["a node without a service", [[0, { Node: "db", Service: null }]], nothing],
  [
    "a service that only has a server's metadata",
    [[0, { Service: { Service: "web", Meta: { version: "9.9.9" } } }]],
    nothing,
  ],
  [
    "servers in the middle of an upgrade",
    [serverOf("1.9.17"), serverOf("1.10.1"), serverOf("1.9.17")],
    { version: "1.10.1" },
  ],
  ["servers of Enterprise", [serverOf("1.22.0+ent")], { version: "1.22.0+ent" }],
  ["a server of no version", [serverOf("unknown")], nothing],
  [
    "tokens",
    [[19, { Name: "p" }], tokenOf("anonymous"), key, tokenOf("6e0a3a4e-52cb")],
    { hasAcl: true, secrets: ["6e0a3a4e-52cb"] },
  ],
  ["policies alone", [[19, { Name: "p" }]], { hasAcl: true }],
  ["legacy ACLs", [[4, { ID: "anonymous" }]], { hasAcl: true }],
  ["a configuration entry, and no version", [[22, {}]], { version: "1.5.0" }],
  [
    "a peering, and no version",
    [
      [35, {}],
      [22, {}],
    ],
    { version: "1.13.0" },
  ],
  ["a peering of an old server", [serverOf("1.4.4"), [35, {}]], { version: "1.13.0" }],
  [
    "what only Enterprise has",
    [serverOf("1.6.0"), [65, {}]],
    { version: "1.6.0", needsEnterprise: true },
  ],
])("a snapshot with %s", (_, messages, expected) => {
  expect(readSnapshot(snapshotOf(...messages))).toMatchObject({ ...nothing, ...expected });
});

const meta = { "meta.json": "{}" };

test.each<[string, Uint8Array, RegExp]>([
  ["text", Buffer.from("hello"), /not a whole gzip archive/],
  ["half of a snapshot", snapshotOf(key).subarray(0, 60), /not a whole gzip archive/],
  ["a gzipped text", gzipSync("hello"), /archive, but without/],
  ["an archive of something else", archiveOf({ "a.txt": "a" }), /archive, but without/],
  ["a state alone", archiveOf({ "state.bin": encode({}) }), /archive, but without/],
  ["another state", archiveOf({ ...meta, "state.bin": encode([1]).fill(0xc1) }), /state.bin/],
  ["half of a state", archiveOf({ ...meta, "state.bin": Buffer.of(0x80, 0, 0x81) }), /state.bin/],
  [
    "objects without types",
    archiveOf({ ...meta, "state.bin": Buffer.of(0x80, 0x80) }),
    /state.bin/,
  ],
  ["a bomb", archiveOf({ ...meta, "state.bin": Buffer.alloc(65 * 2 ** 20) }), /more than 64 MiB/],
])("%s is no snapshot", (_, file, reason) => {
  expect(() => readSnapshot(file)).toThrow(reason);
});
