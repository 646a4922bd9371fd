/** What a snapshot of Consul's state tells by itself, before any server restores it. */
import { gunzipSync } from "node:zlib";
import { decodeMulti } from "@msgpack/msgpack";
import { parseTar } from "nanotar";
import * as z from "zod";
import { isOlder, versionNumber } from "./version-number.ts";

export interface SnapshotFacts {
  /** The newest version of Consul that it shows, or the oldest that can read it; undefined if any can. */
  readonly version: string | undefined;
  /** Whether it has ACLs: then its cluster had them turned on. */
  readonly hasAcl: boolean;
  /** Whether it has what only Consul Enterprise can restore. */
  readonly needsEnterprise: boolean;
  /** Secret IDs of its ACL tokens. */
  readonly secrets: readonly string[];
}

/** Bytes of state. The file's own limit is far smaller, but it could be made to unpack to any size. */
const maxState = 64 * 1024 * 1024;

/**
 * Reads the file that `consul snapshot save` writes: a gzipped tar archive whose `state.bin` has the
 * servers' state (agent/consul/fsm/snapshot.go): a header, and then for each object a byte with the
 * type of its message and the object, all in msgpack, in which such a byte is a number.
 *
 * @throws Error with the reason if the file is not a snapshot
 */
export function readSnapshot(file: Uint8Array): SnapshotFacts {
  const types = new Set<number>();
  const versions: string[] = [];
  const secrets: string[] = [];
  for (const { type, object } of messagesOf(stateOf(file))) {
    types.add(type);
    if (type === messageTypes.register) versions.push(...serverVersion(object));
    if (type === messageTypes.aclToken) secrets.push(...secretOf(object));
  }
  const found = [...types];
  const own = found.filter((type) => type < firstOfEnterprise);
  const needed = firstReaders.filter(({ type }) => own.some((each) => each >= type));
  return {
    version: newest([...versions, ...needed.map(({ version }) => version)]),
    hasAcl: found.some((type) => aclTypes.includes(type)),
    needsEnterprise: found.some((type) => type >= firstOfEnterprise),
    secrets,
  };
}

/** Types of messages (agent/structs/structs.go). */
const messageTypes = { register: 0, legacyAcl: 4, aclToken: 17, aclPolicy: 19 } as const;
const aclTypes: readonly number[] = [
  messageTypes.legacyAcl,
  messageTypes.aclToken,
  messageTypes.aclPolicy,
];
const firstOfEnterprise = 64;

/**
 * The first version that reads a type of message and those up to the next (agent/structs/structs.go).
 * Servers of an earlier one exit if they are to restore it. This matters if a snapshot names no version.
 */
const firstReaders = [
  { type: 22, version: "1.5.0" },
  { type: 30, version: "1.8.0" },
  { type: 31, version: "1.9.0" },
  { type: 32, version: "1.11.0" },
  { type: 35, version: "1.13.0" },
  { type: 42, version: "1.16.0" },
] as const;

function stateOf(file: Uint8Array): Uint8Array {
  const members = parseTar(unpacked(file));
  const state = members.find(({ name }) => name === "state.bin")?.data;
  if (!state || !members.some(({ name }) => name === "meta.json"))
    throw new Error("it is an archive, but without a snapshot's `meta.json` and `state.bin`");
  return state;
}

function unpacked(file: Uint8Array): Uint8Array {
  try {
    // A copy: parseTar reads from the start of the memory that a buffer is a part of.
    return Uint8Array.from(gunzipSync(file, { maxOutputLength: maxState }));
  } catch (cause) {
    const isTooLarge = cause instanceof RangeError;
    const reason = isTooLarge
      ? `it unpacks to more than ${maxState / 1024 / 1024} MiB`
      : "it is not a whole gzip archive";
    throw new Error(reason, { cause });
  }
}

function* messagesOf(state: Uint8Array): Generator<{ type: number; object: unknown }> {
  try {
    const [, ...values] = decodeMulti(state);
    for (const [index, type] of values.entries()) {
      if (index % 2 === 1) continue;
      if (typeof type !== "number") throw new Error("a message has no type");
      yield { type, object: values[index + 1] };
    }
  } catch (cause) {
    throw new Error("its `state.bin` is not what Consul writes", { cause });
  }
}

const serverSchema = z.object({
  Service: z.object({
    Service: z.literal("consul"),
    Meta: z.object({ version: z.string() }),
  }),
});

/** A server's version, which is in its registration from 1.6 on (agent/consul/leader.go). */
function serverVersion(registration: unknown): string[] {
  const { data } = serverSchema.safeParse(registration);
  return [versionNumber(data?.Service.Meta.version ?? "") ?? []].flat();
}

const tokenSchema = z.object({ SecretID: z.string() });

/** The anonymous token's, which everyone knows. */
const anonymous = "anonymous";

function secretOf(token: unknown): string[] {
  const secret = tokenSchema.safeParse(token).data?.SecretID ?? "";
  return secret === "" || secret === anonymous ? [] : [secret];
}

const newest = (versions: readonly string[]): string | undefined =>
  versions.reduce<string | undefined>(
    (best, each) => (best === undefined || isOlder(best, each) ? each : best),
    undefined,
  );
