import * as z from "zod";

/** A member of the gossip pool, as one agent sees it. */
export interface Member {
  readonly node: string;
  readonly ip: string;
  readonly isAlive: boolean;
  /** Whether it left gracefully. False for a member that failed. */
  readonly hasLeft: boolean;
  /** Consul version without build metadata. */
  readonly version: string;
  /** Node ID (tag `id`). Raft identifies a server by it. */
  readonly id: string;
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
export const [alive, left] = [1, 3];

export const membersAnswer = z.array(
  z.object({
    Name: z.string(),
    Addr: z.string(),
    Status: z.number(),
    Tags: z.object({ build: z.string(), id: z.string() }),
  }),
);

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

export const autopilotAnswer = z.object({ Healthy: z.boolean() });

export const checksAnswer = z.array(z.object({ Node: z.string(), CheckID: z.string() }));

export const catalogNodesAnswer = z.array(
  z.object({ Node: z.string(), TaggedAddresses: z.record(z.string(), z.string()).nullish() }),
);

export const kvAnswer = z.array(z.object({ Key: z.string(), Value: z.string().nullable() }));

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

/** Null if the node is not in the catalog. */
export const catalogNodeAnswer = z
  .object({ Services: z.record(z.string(), z.unknown()) })
  .nullable();

export const objectAnswer = z.record(z.string(), z.unknown());

/** A key in the KV store and its value. */
export interface KeyValue {
  readonly key: string;
  readonly value: Buffer;
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
export type AclKind = "policy" | "role" | "token";

export const aclLists: Readonly<Record<AclKind, string>> = {
  policy: "policies",
  role: "roles",
  token: "tokens",
};

/** Body of a transaction that sets these keys. Consul limits its length by `txn_max_req_len`. */
export function transactionOf(keys: readonly KeyValue[]): string {
  return JSON.stringify(
    keys.map(({ key, value }) => ({
      KV: { Verb: "set", Key: key, Value: value.toString("base64") },
    })),
  );
}
