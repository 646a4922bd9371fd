import * as z from "zod";
import { type Scope, scopeKeys } from "./scope.ts";

/** A member of the gossip pool, as one agent sees it. */
export interface Member {
  readonly node: string;
  readonly ip: string;
  readonly isAlive: boolean;
  /** Whether it left gracefully. False for a member that failed. */
  readonly hasLeft: boolean;
  /** Whether it has announced that it leaves, and is not known to be gone. */
  readonly isLeaving: boolean;
  /** Whether it is gone without having announced it, as far as the agent knows. */
  readonly hasFailed: boolean;
  /** Consul version without build metadata. */
  readonly version: string;
  /** Node ID (tag `id`). Raft identifies a server by it. */
  readonly id: string;
  /** Whether it has announced that its ACLs are in the legacy mode (tag `acls`, up to Consul 1.10). */
  readonly hasLegacyAcls: boolean;
}

export interface RaftPeer {
  /** Node ID or, with raft protocol 2, the address. */
  readonly id: string;
  /** Empty if the answering server knows no member with this address. */
  readonly node: string;
  /** Address that raft uses to reach it. */
  readonly ip: string;
  readonly isLeader: boolean;
  readonly isVoter: boolean;
}

/** Member statuses in Serf (hashicorp/serf, `MemberStatus`). */
export const [alive, leaving, left, failed] = [1, 2, 3, 4];

export const membersAnswer = z.array(
  z.object({
    Name: z.string(),
    Addr: z.string(),
    Status: z.number(),
    Tags: z.object({ build: z.string(), id: z.string(), acls: z.string().optional() }),
  }),
);

/** The tag `acls` of an agent in the legacy mode (`ACLModeLegacy` in agent/structs/acl.go of 1.8.7). */
export const legacyAcls = "2";

/** Name that Consul gives a raft peer that matches no member (agent/consul/operator_raft_endpoint.go). */
export const unknownNode = "(unknown)";

export const raftAnswer = z.object({
  Index: z.number(),
  Servers: z.array(
    z.object({
      ID: z.string(),
      Node: z.string(),
      Address: z.string(),
      Leader: z.boolean(),
      Voter: z.boolean(),
    }),
  ),
});

/** A feature gate of a datacenter (api/operator_feature_gate.go of 2.1, `FeatureGate`). */
export const featureGatesAnswer = z.array(
  z.object({
    Name: z.string(),
    DesiredEnabled: z.boolean(),
    EffectiveEnabled: z.boolean(),
    /** Why it has its effect: `below-minimum-version`. */
    Reason: z.string().default(""),
  }),
);

export type FeatureGate = z.output<typeof featureGatesAnswer>[number];

export const autopilotAnswer = z.object({ Healthy: z.boolean() });

export const checksAnswer = z.array(z.object({ Node: z.string(), CheckID: z.string() }));

export const catalogNodesAnswer = z.array(
  z.object({ Node: z.string(), TaggedAddresses: z.record(z.string(), z.string()).nullish() }),
);

const maxFlags = 2n ** 64n - 1n;
const flagsError = "`flags` must be a whole number of at most 64 bits";

/** A key's flags, as `parseExactly` reads them. @returns their digits; "0" if there are none */
export const flagsAnswer = z
  .union(
    [z.int({ error: flagsError }).min(0, { error: flagsError }), z.string().regex(/^\d{1,20}$/)],
    { error: flagsError },
  )
  .default(0)
  .transform(String)
  .refine((digits) => BigInt(digits) <= maxFlags, { error: flagsError });

export const kvAnswer = z.array(
  z.object({ Key: z.string(), Value: z.string().nullable(), Flags: flagsAnswer }),
);

export const transactionAnswer = z.object({
  Errors: z.array(z.object({ OpIndex: z.number(), What: z.string() })),
});

export const serviceAnswer = z.array(
  z.object({
    Node: z.object({ Node: z.string() }),
    Service: z.object({ ID: z.string() }),
    Checks: z.array(z.object({ ServiceID: z.string(), Status: z.string(), Output: z.string() })),
  }),
);

const metaAnswer = z.record(z.string(), z.string()).nullish();

/** Null if the node is not in the catalog. */
export const catalogNodeAnswer = z
  .object({
    Node: z.object({ Meta: metaAnswer }).optional(),
    Services: z.record(z.string(), z.unknown()),
  })
  .nullable();

export const selfAnswer = z.object({ Meta: metaAnswer });

export const statsAnswer = z.object({ Stats: z.object({ consul: z.object({ acl: z.string() }) }) });

export const objectAnswer = z.record(z.string(), z.unknown());

/** A key in the KV store and its value. */
export interface KeyValue extends Scope {
  readonly key: string;
  readonly value: Buffer;
  /** A number of 64 bits in digits; Consul's default is 0. */
  readonly flags?: string;
}

/** One instance of a service in the catalog, with its own checks. */
export interface CatalogService {
  readonly node: string;
  readonly id: string;
  readonly checks: readonly { readonly status: string; readonly output: string }[];
}

/** An object as Consul's API spells it. */
export type ConsulObject = Readonly<Record<string, unknown>>;

/** Kinds of ACL objects, as in API paths. */
export type AclKind = "policy" | "role" | "auth-method" | "binding-rule" | "token";

export const aclLists: Readonly<Record<AclKind, string>> = {
  policy: "policies",
  role: "roles",
  "auth-method": "auth-methods",
  "binding-rule": "binding-rules",
  token: "tokens",
};

/** Body of a transaction that sets these keys. Consul limits its length by `txn_max_req_len`. */
export function transactionOf(keys: readonly KeyValue[]): string {
  const operations = keys.map(({ key, value, flags = "0", ...scope }) => {
    const set = { Verb: "set", Key: key, Value: value.toString("base64") };
    const head = JSON.stringify({ ...set, ...scopeKeys(scope) });
    // JSON.stringify could not write a number of 64 bits.
    return `{"KV":${flags === "0" ? head : head.replace(/\}$/, `,"Flags":${flags}}`)}}`;
  });
  return `[${operations.join()}]`;
}
