import * as z from "zod";
import {
  type AclKind,
  aclLists,
  alive,
  autopilotAnswer,
  type CatalogService,
  type ConsulObject,
  catalogNodeAnswer,
  checksAnswer,
  type KeyValue,
  kvAnswer,
  left,
  type Member,
  membersAnswer,
  objectAnswer,
  type RaftPeer,
  raftAnswer,
  serviceAnswer,
  transactionAnswer,
  transactionOf,
  unknownNode,
} from "./answers.ts";
import { type Access, ConsulError, jsonOf, type RequestOptions, send, withQuery } from "./http.ts";

const poolQuery = { lan: {}, wan: { wan: "1" } } as const;

/** The HTTP API of one agent. Every method rejects with a ConsulError that says what happened. */
export class Consul {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  /**
   * Members of the LAN pool, or of the WAN pool if this agent is a server, as this agent sees them
   * (`/v1/agent/members`). In the WAN pool a node's name is `<node>.<datacenter>`.
   */
  async members(pool: "lan" | "wan" = "lan"): Promise<Member[]> {
    const members = await this.#get(withQuery("/v1/agent/members", poolQuery[pool]), membersAnswer);
    return members.map(({ Name, Addr, Status, Tags }) => ({
      node: Name,
      ip: Addr,
      isAlive: Status === alive,
      hasLeft: Status === left,
      version: Tags.build.replace(/[:+].*/, ""),
      id: Tags.id,
    }));
  }

  /** Raft address of the leader, as this agent knows it; empty if none (`/v1/status/leader`). */
  async leader(): Promise<string> {
    return this.#get("/v1/status/leader", z.string());
  }

  /** Servers in the leader's raft configuration (`/v1/operator/raft/configuration`). */
  async raftPeers(): Promise<RaftPeer[]> {
    return (await this.#raft({})).peers;
  }

  /**
   * Servers in this server's own copy of the raft configuration. Works without a leader.
   *
   * @returns with that configuration's raft index: the higher, the newer
   */
  raftPeersAsKnown(): Promise<{ index: number; peers: RaftPeer[] }> {
    return this.#raft({ stale: "" });
  }

  async #raft(query: { stale?: "" }): Promise<{ index: number; peers: RaftPeer[] }> {
    const path = withQuery("/v1/operator/raft/configuration", query);
    const { Index, Servers } = await this.#get(path, raftAnswer);
    const peers = Servers.map(({ ID, Node, Address, Leader, Voter }) => ({
      id: ID,
      node: Node === unknownNode ? "" : Node,
      ip: Address.replace(/:\d+$/, ""),
      isLeader: Leader,
      isVoter: Voter,
    }));
    return { index: Index, peers };
  }

  /**
   * Nodes in the catalog with a passing `serfHealth`, read through this agent.
   *
   * @param mode - Consul's consistency mode. Asked `stale`, a server answers from its own state
   * @param datacenter - empty for the agent's own
   */
  async healthyNodes(
    mode: "default" | "consistent" | "stale" = "default",
    datacenter = "",
  ): Promise<string[]> {
    const path = withQuery("/v1/health/state/passing", {
      ...(mode !== "default" && { [mode]: "" }),
      ...(datacenter !== "" && { dc: datacenter }),
    });
    const checks = await this.#get(path, checksAnswer);
    return checks.filter(({ CheckID }) => CheckID === "serfHealth").map(({ Node }) => Node);
  }

  /** Leaves the cluster for good, like `consul leave`; the agent then exits. */
  async leave(timeout: number): Promise<void> {
    await this.#request("/v1/agent/leave", { method: "PUT", timeout });
  }

  /** Makes this agent join the cluster of the agent at this address (`/v1/agent/join`). */
  async join(address: string, pool: "lan" | "wan" = "lan"): Promise<void> {
    const path = withQuery(`/v1/agent/join/${address}`, poolQuery[pool]);
    await this.#request(path, { method: "PUT" });
  }

  /** Rejects until the servers know this client's ACL token (`/v1/acl/token/self`). */
  async checkToken(): Promise<void> {
    await this.#request("/v1/acl/token/self");
  }

  /** Creates an ACL policy (`/v1/acl/policy`). */
  async createPolicy(name: string, rules: string): Promise<void> {
    await this.#put("/v1/acl/policy", { Name: name, Rules: rules });
  }

  /** Creates an ACL token with this secret ID (`/v1/acl/token`); Consul 1.5 or later. */
  async createToken(secret: string, policy: string): Promise<void> {
    const Policies = [{ Name: policy }];
    await this.#put("/v1/acl/token", { SecretID: secret, Description: policy, Policies });
  }

  /** Creates a legacy ACL token with this secret ID (`/v1/acl/create`); up to Consul 1.10. */
  async createLegacyToken(secret: string, name: string, rules: string): Promise<void> {
    await this.#put("/v1/acl/create", { ID: secret, Name: name, Type: "client", Rules: rules });
  }

  /**
   * Sets the token that this agent uses for requests without one (`/v1/agent/token/default`), until
   * it restarts. A change makes the agent sync all its services and checks with the catalog.
   *
   * @param secret - the token's secret ID; empty for none
   */
  async setDefaultToken(secret: string): Promise<void> {
    await this.#put("/v1/agent/token/default", { Token: secret });
  }

  /** Every key in the KV store with its value (`/v1/kv/?recurse`). */
  async keys(): Promise<KeyValue[]> {
    const entries = await this.#find(withQuery("/v1/kv/", { recurse: "" }), kvAnswer);
    return (entries ?? []).map(({ Key, Value }) => ({
      key: Key,
      value: Buffer.from(Value ?? "", "base64"),
    }));
  }

  /**
   * Sets keys in one transaction: all or none (`/v1/txn`, which allows 64 at most).
   *
   * @returns the index of each key that Consul refused, and why; empty if all keys are set
   */
  async setKeys(keys: readonly KeyValue[]): Promise<{ index: number; reason: string }[]> {
    try {
      await this.#request("/v1/txn", { method: "PUT", body: transactionOf(keys) });
      return [];
    } catch (error) {
      if (!(error instanceof ConsulError) || error.status !== 409) throw error;
      const { data } = transactionAnswer.safeParse(jsonOf(error.message.replace(/^409 /, "")));
      if (!data) throw error;
      return data.Errors.map(({ OpIndex, What }) => ({ index: OpIndex, reason: What }));
    }
  }

  /**
   * Sets one key, even to a value too long for a transaction (`/v1/kv`). Once this resolves, the
   * write is acknowledged.
   */
  async setKey({ key, value }: KeyValue): Promise<void> {
    const path = key.split("/").map(encodeURIComponent).join("/");
    await this.#request(`/v1/kv/${path}`, { method: "PUT", body: value });
  }

  /** A key's value, by a consistent read through this agent (`/v1/kv`). */
  async getKey(key: string): Promise<string> {
    const path = withQuery(`/v1/kv/${key}`, { raw: "", consistent: "" });
    return (await this.#request(path)).toString();
  }

  async deleteKey(key: string): Promise<void> {
    await this.#request(`/v1/kv/${key}`, { method: "DELETE" });
  }

  /** Registers a service with this agent (`/v1/agent/service/register`). */
  async register(definition: ConsulObject): Promise<void> {
    await this.#put("/v1/agent/service/register", definition);
  }

  /**
   * IDs of services that this agent has (`/v1/agent/services`) but the catalog does not yet have
   * (`/v1/catalog/node`).
   *
   * @param node - the agent's own name
   */
  async unsyncedServices(node: string): Promise<string[]> {
    const [own, known] = await Promise.all([
      this.#get("/v1/agent/services", objectAnswer),
      this.#get(`/v1/catalog/node/${encodeURIComponent(node)}`, catalogNodeAnswer),
    ]);
    return Object.keys(own).filter((id) => known?.Services[id] === undefined);
  }

  /** Instances of a service in a datacenter's catalog, with their health (`/v1/health/service`). */
  async service(name: string, datacenter: string): Promise<CatalogService[]> {
    const path = withQuery(`/v1/health/service/${encodeURIComponent(name)}`, { dc: datacenter });
    const entries = await this.#get(path, serviceAnswer);
    return entries.map(({ Node, Service, Checks }) => ({
      node: Node.Node,
      id: Service.ID,
      checks: Checks.filter(({ ServiceID }) => ServiceID === Service.ID).map(
        ({ Status, Output }) => ({ status: Status, output: Output }),
      ),
    }));
  }

  /** @returns undefined if there is no such entry (`/v1/config/<kind>/<name>`) */
  async configEntry(kind: string, name: string): Promise<ConsulObject | undefined> {
    const path = `/v1/config/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`;
    return this.#find(path, objectAnswer);
  }

  async setConfigEntry(entry: ConsulObject): Promise<void> {
    await this.#put("/v1/config", entry);
  }

  /** Every ACL object of a kind, in the short form that lists have. */
  async aclObjects(kind: AclKind): Promise<ConsulObject[]> {
    return this.#get(`/v1/acl/${aclLists[kind]}`, z.array(objectAnswer));
  }

  /** @param id - ID of a policy or role, or AccessorID of a token */
  async aclObject(kind: AclKind, id: string): Promise<ConsulObject> {
    return this.#get(`/v1/acl/${kind}/${encodeURIComponent(id)}`, objectAnswer);
  }

  /**
   * Creates an ACL object, or updates the one with this ID.
   *
   * @returns the object as Consul now has it
   */
  async setAclObject(kind: AclKind, body: ConsulObject, id?: string): Promise<ConsulObject> {
    const path = `/v1/acl/${kind}${id === undefined ? "" : `/${encodeURIComponent(id)}`}`;
    return objectAnswer.parse(jsonOf(await this.#put(path, body)));
  }

  /** The token with this secret, or undefined if there is none (`/v1/acl/token/self`). */
  async tokenOf(secret: string): Promise<ConsulObject | undefined> {
    const own = new Consul({ ...this.#access, token: secret });
    // Consul answers 403 if it does not know the secret.
    return own.#find("/v1/acl/token/self", objectAnswer, [403, 404]);
  }

  /** A snapshot of the servers' state (`/v1/snapshot`), like `consul snapshot save`. */
  snapshot(timeout: number): Promise<Buffer> {
    return this.#request("/v1/snapshot", { timeout });
  }

  /** Whether autopilot considers every server healthy (`/v1/operator/autopilot/health`). */
  async autopilotIsHealthy(): Promise<boolean> {
    // If it does not, the answer has status 429, and this rejects.
    return (await this.#get("/v1/operator/autopilot/health", autopilotAnswer)).Healthy;
  }

  async #put(path: string, body: unknown): Promise<string> {
    return (await this.#request(path, { method: "PUT", body: JSON.stringify(body) })).toString();
  }

  /** Gets something that may not exist. */
  async #find<T>(
    path: string,
    schema: z.ZodType<T>,
    statuses: readonly number[] = [404],
  ): Promise<T | undefined> {
    try {
      return await this.#get(path, schema);
    } catch (error) {
      if (error instanceof ConsulError && statuses.includes(error.status ?? 0)) return undefined;
      throw error;
    }
  }

  async #get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const text = (await this.#request(path)).toString();
    try {
      return schema.parse(JSON.parse(text));
    } catch (cause) {
      throw new ConsulError(`unexpected answer to ${path}: ${text.slice(0, 200)}`, { cause });
    }
  }

  #request(path: string, options?: RequestOptions): Promise<Buffer> {
    return send(this.#access, path, options);
  }
}
