import * as z from "zod";
import { Acl } from "./acl.ts";
import {
  alive,
  type CatalogService,
  type ConsulObject,
  catalogNodeAnswer,
  catalogNodesAnswer,
  checksAnswer,
  failed,
  leaving,
  left,
  legacyAcls,
  type Member,
  membersAnswer,
  objectAnswer,
  type RaftPeer,
  raftAnswer,
  selfAnswer,
  serviceAnswer,
  unknownNode,
} from "./answers.ts";
import { Catalog, type ReadMode } from "./catalog.ts";
import { type Access, ConsulError, type RequestOptions, withQuery } from "./http.ts";
import { HttpClient } from "./http-client.ts";
import { KeyValueStore } from "./key-value-store.ts";
import { Operator } from "./operator.ts";
import { Peerings } from "./peerings.ts";
import { type Scope, scopeQuery } from "./scope.ts";
import { taggedVersion } from "./version-number.ts";

const poolQuery = { lan: {}, wan: { wan: "1" } } as const;

/** The HTTP API of one agent. Every method rejects with a ConsulError that says what happened. */
export class Consul {
  readonly acl: Acl;
  readonly catalog: Catalog;
  readonly kv: KeyValueStore;
  readonly operator: Operator;
  readonly peerings: Peerings;
  readonly #http: HttpClient;

  constructor(access: Access) {
    this.#http = new HttpClient(access);
    this.acl = new Acl(this.#http);
    this.catalog = new Catalog(this.#http);
    this.kv = new KeyValueStore(this.#http);
    this.operator = new Operator(this.#http);
    this.peerings = new Peerings(this.#http);
  }

  /**
   * Members of the LAN pool, or of the WAN pool if this agent is a server, as this agent sees them
   * (`/v1/agent/members`). In the WAN pool a node's name is `<node>.<datacenter>`.
   *
   * An agent is always a member itself. It lists none while it can't ask a server what its caller's token
   * may see (`acl.down_policy`), and for `acl.token_ttl` after that it says "ACL not found".
   */
  async members(pool: "lan" | "wan" = "lan"): Promise<Member[]> {
    const members = await this.#http.get(
      withQuery("/v1/agent/members", poolQuery[pool]),
      membersAnswer,
    );
    if (members.length === 0)
      throw new ConsulError("it lists no member: it can't ask a server what the token may see");
    return members.map(({ Name, Addr, Status, Tags }) => ({
      node: Name,
      ip: Addr,
      isAlive: Status === alive,
      hasLeft: Status === left,
      isLeaving: Status === leaving,
      hasFailed: Status === failed,
      version: taggedVersion(Tags.build),
      id: Tags.id,
      hasLegacyAcls: Tags.acls === legacyAcls,
    }));
  }

  /** Raft address of the leader, as this agent knows it; empty if none (`/v1/status/leader`). */
  async leader(): Promise<string> {
    return this.#http.get("/v1/status/leader", z.string());
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

  /** Removes a server from Raft at once (`/v1/operator/raft/peer`). @param address - with its port */
  async removeRaftPeer(address: string): Promise<void> {
    await this.#http.request(withQuery("/v1/operator/raft/peer", { address }), {
      method: "DELETE",
    });
  }

  async #raft(query: { stale?: "" }): Promise<{ index: number; peers: RaftPeer[] }> {
    const path = withQuery("/v1/operator/raft/configuration", query);
    const { Index, Servers } = await this.#http.get(path, raftAnswer);
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
    const checks = await this.#http.get(path, checksAnswer);
    return checks.filter(({ CheckID }) => CheckID === "serfHealth").map(({ Node }) => Node);
  }

  /**
   * Nodes whose agents have synced them with the catalog, as the server that answers knows it (`/v1/catalog/nodes`):
   * the leader itself registers nodes that it sees, but without their tagged addresses.
   */
  async syncedNodes(): Promise<string[]> {
    const nodes = await this.#http.get("/v1/catalog/nodes?stale", catalogNodesAnswer);
    return nodes.filter(({ TaggedAddresses }) => TaggedAddresses?.lan).map(({ Node }) => Node);
  }

  /** Leaves the cluster for good, like `consul leave`; the agent then exits. */
  async leave(limits: Pick<RequestOptions, "timeout" | "signal">): Promise<void> {
    await this.#http.request("/v1/agent/leave", { method: "PUT", ...limits });
  }

  /** Makes a node that failed one that left: for good, in Raft and catalog (`/v1/agent/force-leave`). */
  async forceLeave(node: string): Promise<void> {
    await this.#http.request(`/v1/agent/force-leave/${encodeURIComponent(node)}`, {
      method: "PUT",
    });
  }

  /** Makes this agent join the cluster of the agent at this address (`/v1/agent/join`). */
  async join(address: string, pool: "lan" | "wan" = "lan"): Promise<void> {
    const path = withQuery(`/v1/agent/join/${address}`, poolQuery[pool]);
    await this.#http.request(path, { method: "PUT" });
  }

  /**
   * Sets the token that this agent uses for requests without one (`/v1/agent/token/default`), until
   * it restarts. From Consul 1.6.2, a change makes the agent sync all it has with the catalog.
   *
   * @param secret - the token's secret ID; empty for none
   */
  async setDefaultToken(secret: string): Promise<void> {
    await this.#http.put("/v1/agent/token/default", { Token: secret });
  }

  /** Registers a service with this agent (`/v1/agent/service/register`). */
  async register(definition: ConsulObject): Promise<void> {
    await this.#http.put("/v1/agent/service/register", definition);
  }

  /** Removes a node with its services and checks from the catalog (`/v1/catalog/deregister`). */
  async deregister(node: string): Promise<void> {
    await this.#http.put("/v1/catalog/deregister", { Node: node });
  }

  /**
   * IDs of services that this agent has (`/v1/agent/services`) but the catalog does not yet have
   * (`/v1/catalog/node`).
   *
   * @param node - the agent's own name
   */
  async unsyncedServices(node: string): Promise<string[]> {
    const [own, known] = await Promise.all([
      this.#http.get("/v1/agent/services", objectAnswer),
      this.#http.get(`/v1/catalog/node/${encodeURIComponent(node)}`, catalogNodeAnswer),
    ]);
    return Object.keys(own).filter((id) => known?.Services[id] === undefined);
  }

  /**
   * Keys of this agent's metadata (`/v1/agent/self`) that the catalog does not have yet
   * (`/v1/catalog/node`). Consul's own, which begin with `consul-`, are left out.
   *
   * @param node - the agent's own name
   */
  async unsyncedMeta(node: string): Promise<string[]> {
    const [own, known] = await Promise.all([
      this.#http.get("/v1/agent/self", selfAnswer),
      this.#http.get(`/v1/catalog/node/${encodeURIComponent(node)}`, catalogNodeAnswer),
    ]);
    return Object.entries(own.Meta ?? {})
      .filter(([key, value]) => !key.startsWith("consul-") && known?.Node?.Meta?.[key] !== value)
      .map(([key]) => key);
  }

  /** Instances of a service in a datacenter's catalog, with their health (`/v1/health/service`). */
  async service(name: string, datacenter: string, scope: Scope = {}): Promise<CatalogService[]> {
    const query = { dc: datacenter, ...scopeQuery(scope) };
    const path = withQuery(`/v1/health/service/${encodeURIComponent(name)}`, query);
    const entries = await this.#http.get(path, serviceAnswer);
    return entries.map(({ Node, Service, Checks }) => ({
      node: Node.Node,
      id: Service.ID,
      checks: Checks.filter(({ ServiceID }) => ServiceID === Service.ID).map(
        ({ Status, Output }) => ({ status: Status, output: Output }),
      ),
    }));
  }

  /**
   * @param mode - the leader's own answer if not given
   * @returns undefined if there is no such entry (`/v1/config/<kind>/<name>`)
   */
  async configEntry(
    kind: string,
    name: string,
    mode?: ReadMode,
    scope: Scope = {},
  ): Promise<ConsulObject | undefined> {
    const path = `/v1/config/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`;
    const query = { ...(mode && { [mode]: "" }), ...scopeQuery(scope) };
    return this.#http.find(withQuery(path, query), objectAnswer);
  }

  /** Names of all configuration entries of a kind (`/v1/config/<kind>`). */
  async configEntryNames(kind: string): Promise<string[]> {
    const path = withQuery(`/v1/config/${encodeURIComponent(kind)}`, { stale: "" });
    const entries = await this.#http.get(path, z.array(z.object({ Name: z.string() })));
    return entries.map(({ Name }) => Name);
  }

  /** Creates a partition, or a namespace, unless it is there (`/v1/partition`, `/v1/namespace`). */
  async ensureScope({ partition, namespace }: Scope): Promise<void> {
    const [kind, name] =
      namespace === undefined ? ["partition", partition] : ["namespace", namespace];
    if (name === undefined) return;
    const inside = namespace === undefined ? {} : scopeQuery({ ...(partition && { partition }) });
    const path = withQuery(`/v1/${kind}/${encodeURIComponent(name)}`, inside);
    if (await this.#http.find(path, objectAnswer)) return;
    await this.#http.put(withQuery(`/v1/${kind}`, inside), { Name: name });
  }

  async setConfigEntry(entry: ConsulObject): Promise<void> {
    await this.#http.put("/v1/config", entry);
  }

  /**
   * Registers a node, a service, or checks with the catalog (`/v1/catalog/register`), and not with an
   * agent.
   */
  async registerInCatalog(registration: ConsulObject): Promise<void> {
    await this.#http.put("/v1/catalog/register", registration);
  }

  /**
   * IDs of a node's services in the state of the server that answers (`/v1/catalog/node`).
   *
   * @returns undefined if the node is not in the catalog
   */
  async servicesOf(node: string): Promise<string[] | undefined> {
    const path = withQuery(`/v1/catalog/node/${encodeURIComponent(node)}`, { stale: "" });
    const found = await this.#http.get(path, catalogNodeAnswer);
    return found ? Object.keys(found.Services) : undefined;
  }

  /**
   * Every prepared query (`/v1/query`).
   *
   * @param mode - asked `stale`, a server answers from its own state
   */
  async preparedQueries(mode: "default" | "stale" = "default"): Promise<ConsulObject[]> {
    const path = withQuery("/v1/query", mode === "stale" ? { stale: "" } : {});
    return this.#http.get(path, z.array(objectAnswer));
  }

  /** Creates a prepared query, or updates the one with this ID. */
  async setPreparedQuery(query: ConsulObject, id?: string): Promise<void> {
    if (id === undefined) await this.#http.put("/v1/query", query, "POST");
    else await this.#http.put(`/v1/query/${encodeURIComponent(id)}`, query);
  }
}
