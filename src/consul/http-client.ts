import type * as z from "zod";
import { parseExactly } from "./exact-json.ts";
import { type Access, ConsulError, type RequestOptions, send } from "./http.ts";

/** Typed requests to one agent. Every method rejects with a ConsulError that says what happened. */
export class HttpClient {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  /** The same client with another ACL token. */
  withToken(token: string): HttpClient {
    return new HttpClient({ ...this.#access, token });
  }

  /** @param body - is sent as JSON */
  async put(path: string, body: unknown, method: "PUT" | "POST" = "PUT"): Promise<string> {
    return (await this.request(path, { method, body: JSON.stringify(body) })).toString();
  }

  /**
   * Gets something that may not exist.
   *
   * @param statuses - the statuses that mean so
   */
  async find<T>(
    path: string,
    schema: z.ZodType<T>,
    statuses: readonly number[] = [404],
  ): Promise<T | undefined> {
    try {
      return await this.get(path, schema);
    } catch (error) {
      if (error instanceof ConsulError && statuses.includes(error.status ?? 0)) return undefined;
      throw error;
    }
  }

  /** @param schema - of the answer, which is JSON */
  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const text = (await this.request(path)).toString();
    try {
      return schema.parse(parseExactly(text));
    } catch (cause) {
      throw new ConsulError(`unexpected answer to ${path}: ${text.slice(0, 200)}`, { cause });
    }
  }

  request(path: string, options?: RequestOptions): Promise<Buffer> {
    return send(this.#access, path, options);
  }
}
