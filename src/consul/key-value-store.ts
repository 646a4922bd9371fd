import * as z from "zod";
import { type KeyValue, kvAnswer, transactionAnswer, transactionOf } from "./answers.ts";
import type { ReadMode } from "./catalog.ts";
import { ConsulError, jsonOf, withQuery } from "./http.ts";
import type { HttpClient } from "./http-client.ts";
import { type Scope, scopeQuery } from "./scope.ts";

/** The KV store, through one agent. Every method rejects with a ConsulError that says what happened. */
export class KeyValueStore {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /** Every key of a namespace with its value (`/v1/kv/?recurse`). */
  async all(scope: Scope = {}): Promise<KeyValue[]> {
    const path = withQuery("/v1/kv/", { recurse: "", ...scopeQuery(scope) });
    const entries = await this.#http.find(path, kvAnswer);
    return (entries ?? []).map(({ Key, Value, Flags }) => ({
      key: Key,
      value: Buffer.from(Value ?? "", "base64"),
      flags: Flags,
    }));
  }

  /**
   * Sets keys in one transaction: all or none (`/v1/txn`, which allows 64 at most).
   *
   * @returns the index of each key that Consul refused, and why; empty if all keys are set
   */
  async setAll(keys: readonly KeyValue[]): Promise<{ index: number; reason: string }[]> {
    try {
      await this.#http.request("/v1/txn", { method: "PUT", body: transactionOf(keys) });
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
  async set({ key, value, flags = "0", ...scope }: KeyValue): Promise<void> {
    const query = { ...(flags !== "0" && { flags }), ...scopeQuery(scope) };
    await this.#http.request(withQuery(pathOf(key), query), { method: "PUT", body: value });
  }

  /** A key's value; undefined if the key is not set (`/v1/kv`). */
  async find(key: string, mode: ReadMode): Promise<Buffer | undefined> {
    const entries = await this.#http.find(withQuery(pathOf(key), { [mode]: "" }), kvAnswer);
    const [entry] = entries ?? [];
    return entry && Buffer.from(entry.Value ?? "", "base64");
  }

  /** Every key (`/v1/kv/?keys`). */
  async keys(): Promise<string[]> {
    const path = withQuery("/v1/kv/", { keys: "", stale: "" });
    return (await this.#http.find(path, z.array(z.string()))) ?? [];
  }

  /** A key's value, by a consistent read through this agent (`/v1/kv`). */
  async get(key: string): Promise<string> {
    const path = withQuery(`/v1/kv/${key}`, { raw: "", consistent: "" });
    return (await this.#http.request(path)).toString();
  }

  async delete(key: string): Promise<void> {
    await this.#http.request(`/v1/kv/${key}`, { method: "DELETE" });
  }
}

/** Path of a key, whose parts are encoded one by one. */
const pathOf = (key: string) => `/v1/kv/${key.split("/").map(encodeURIComponent).join("/")}`;
