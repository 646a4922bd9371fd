import * as z from "zod";
import { type AclKind, aclLists, type ConsulObject, objectAnswer, statsAnswer } from "./answers.ts";
import { jsonOf } from "./http.ts";
import type { HttpClient } from "./http-client.ts";

/** ACLs, through one agent. Every method rejects with a ConsulError that says what happened. */
export class Acl {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /** Rejects until the servers know this client's ACL token (`/v1/acl/token/self`). */
  async checkToken(): Promise<void> {
    await this.#http.request("/v1/acl/token/self");
  }

  /**
   * Whether this agent is in the legacy mode of ACLs, as agents up to Consul 1.10 are at first
   * (`/v1/agent/self`; `Stats` in agent/consul/client.go and server.go).
   */
  async isInLegacyMode(): Promise<boolean> {
    const { Stats } = await this.#http.get("/v1/agent/self", statsAnswer);
    return Stats.consul.acl === "legacy";
  }

  /** Creates an ACL policy (`/v1/acl/policy`). */
  async createPolicy(name: string, rules: string): Promise<void> {
    await this.#http.put("/v1/acl/policy", { Name: name, Rules: rules });
  }

  /** Creates an ACL token with this secret ID (`/v1/acl/token`); Consul 1.5 or later. */
  async createToken(secret: string, policy: string): Promise<void> {
    const Policies = [{ Name: policy }];
    await this.#http.put("/v1/acl/token", { SecretID: secret, Description: policy, Policies });
  }

  /**
   * Creates a legacy ACL token with this secret ID (`/v1/acl/create`); up to Consul 1.10.
   *
   * @param rules - legacy rules; empty for a management token, which may do everything
   */
  async createLegacyToken(secret: string, name: string, rules: string): Promise<void> {
    const Type = rules === "" ? "management" : "client";
    await this.#http.put("/v1/acl/create", { ID: secret, Name: name, Type, Rules: rules });
  }

  /** Every ACL object of a kind, in the short form that lists have. */
  async objects(kind: AclKind): Promise<ConsulObject[]> {
    return this.#http.get(`/v1/acl/${aclLists[kind]}`, z.array(objectAnswer));
  }

  /** @param id - ID of a policy or role, or AccessorID of a token */
  async object(kind: AclKind, id: string): Promise<ConsulObject> {
    return this.#http.get(`/v1/acl/${kind}/${encodeURIComponent(id)}`, objectAnswer);
  }

  /**
   * Creates an ACL object, or updates the one with this ID.
   *
   * @returns the object as Consul now has it
   */
  async setObject(kind: AclKind, body: ConsulObject, id?: string): Promise<ConsulObject> {
    const path = `/v1/acl/${kind}${id === undefined ? "" : `/${encodeURIComponent(id)}`}`;
    return objectAnswer.parse(jsonOf(await this.#http.put(path, body)));
  }

  /** The token with this secret, or undefined if there is none (`/v1/acl/token/self`). */
  async tokenOf(secret: string): Promise<ConsulObject | undefined> {
    // Consul answers 403 if it does not know the secret.
    return this.#http.withToken(secret).find("/v1/acl/token/self", objectAnswer, [403, 404]);
  }

  /** @param id - ID of a policy or role, or AccessorID of a token */
  async removeObject(kind: AclKind, id: string): Promise<void> {
    const path = `/v1/acl/${kind}/${encodeURIComponent(id)}`;
    await this.#http.request(path, { method: "DELETE" });
  }

  /** Removes the legacy ACL token with this secret (`/v1/acl/destroy`); up to Consul 1.10. */
  async removeLegacyToken(secret: string): Promise<void> {
    await this.#http.request(`/v1/acl/destroy/${encodeURIComponent(secret)}`, { method: "PUT" });
  }
}
