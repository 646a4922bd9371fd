/** Snapshots for tests and checks, as `consul snapshot save` writes them. */
import { gzipSync } from "node:zlib";
import { encode } from "@msgpack/msgpack";
import { createTar } from "nanotar";

/** An object of the servers' state, and the type of its message. */
export type Message = readonly [type: number, object: unknown];

export function snapshotOf(...messages: readonly Message[]): Buffer {
  const parts = messages.flatMap(([type, object]) => [Buffer.of(type), encode(object)]);
  return archiveOf({
    "meta.json": '{"Version":1}',
    "state.bin": Buffer.concat([encode({ LastIndex: 5 }), ...parts]),
    SHA256SUMS: "",
  });
}

export function archiveOf(files: Readonly<Record<string, string | Uint8Array>>): Buffer {
  const members = Object.entries(files).map(([name, data]) => ({ name, data }));
  return gzipSync(createTar(members));
}

/** The registration of a server. */
export const serverOf = (version: string): Message => [
  0,
  { Node: "server-1", Service: { Service: "consul", Meta: { version, raft_version: "3" } } },
];

export const tokenOf = (SecretID: string): Message => [17, { AccessorID: "a", SecretID }];
