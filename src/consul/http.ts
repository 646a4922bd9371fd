import { Agent, request } from "node:http";

/** A request that failed: an error status, an unexpected answer, a timeout or no answer. */
export class ConsulError extends Error {
  override readonly name = "ConsulError";
  /** HTTP status, if there was an answer. */
  readonly status: number | undefined;

  constructor(message: string, options: ErrorOptions & { status?: number | undefined } = {}) {
    super(message, options);
    this.status = options.status;
  }
}

/** Everything about a request but its address and path. */
export interface RequestOptions {
  readonly method?: "GET" | "PUT" | "POST" | "DELETE";
  readonly body?: string | Buffer;
  /** Milliseconds. */
  readonly timeout?: number;
  /** Ends the request earlier. */
  readonly signal?: AbortSignal;
}

/** Characters kept of an error. A failed transaction lists each of its up to 64 operations. */
const maxReason = 10_000;

/** Milliseconds. An agent answers in about 1; one that hangs must not hold up the others. */
const requestTimeout = 2000;

// Connections stay open: an agent gets many requests a second.
const open = { request, agent: new Agent({ keepAlive: true }) };
let secure: ReturnType<typeof secureConnections> | undefined;
const connections = {
  http: () => open,
  https: () => (secure ??= secureConnections()),
} as const;

/** Loads Node's TLS only now: that takes 10 ms, and most clusters don't need it. */
function secureConnections() {
  const https = process.getBuiltinModule("node:https");
  return { request: https.request, agent: new https.Agent({ keepAlive: true }) };
}

/** How to call any agent of a cluster: the scheme, and what authorizes the caller. */
export interface Credentials {
  readonly scheme: keyof typeof connections;
  /** Secret ID of an ACL token. */
  readonly token?: string;
  /** The CA certificate in PEM, for https. */
  readonly ca?: string;
  /** What https shows if it is asked for a certificate, in PEM. */
  readonly client?: { readonly certificate: string; readonly key: string };
}

/** What it takes to call one agent. */
export interface Access extends Credentials {
  /** `host:port` of the agent's HTTP API. */
  readonly address: string;
}

/**
 * Sends one request to an agent.
 *
 * @returns the body of the answer
 * @throws ConsulError unless the agent answers 200 in time
 */
export function send(access: Access, path: string, options: RequestOptions = {}): Promise<Buffer> {
  const { method = "GET", body, timeout = requestTimeout, signal } = options;
  const deadline = AbortSignal.timeout(timeout);
  const { scheme, address, token, ca, client } = access;
  const { request, agent } = connections[scheme]();
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown, status?: number) =>
      reject(new ConsulError(reason, { cause, status }));
    const outgoing = request(
      `${scheme}://${address}${path}`,
      {
        method,
        agent,
        headers: token ? { "X-Consul-Token": token } : {},
        ...(ca && { ca }),
        ...(client && { cert: client.certificate, key: client.key }),
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("error", (error) => fail(reasonOf(error, timeout), error));
        answer.on("end", () =>
          answer.statusCode === 200
            ? resolve(Buffer.concat(parts))
            : fail(
                `${answer.statusCode} ${String(Buffer.concat(parts)).trim().slice(0, maxReason)}`,
                undefined,
                answer.statusCode,
              ),
        );
      },
    );
    outgoing.on("error", (error) => fail(reasonOf(error, timeout), error));
    outgoing.end(body);
  });
}

/** A path with its query; a flag such as `stale` has an empty value. */
export function withQuery(path: string, query: Readonly<Record<string, string>>): string {
  const text = new URLSearchParams(query).toString();
  return text === "" ? path : `${path}?${text}`;
}

/**
 * What a connection's error codes mean. Docker's proxy accepts a connection before the agent
 * listens, then resets it.
 */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "not listening yet",
  ENOTFOUND: "host name not found on the network",
  EHOSTUNREACH: "no route to its address",
  ENETUNREACH: "no route to its address",
};

/**
 * Why a request got no answer, for messages.
 *
 * @param timeout - of the request, in milliseconds
 */
export function reasonOf(error: Error, timeout: number): string {
  const code = "code" in error ? String(error.code) : "";
  if (code === "ABORT_ERR") return `no answer within ${timeout / 1000} s`;
  return reasons[code] ?? error.message;
}

/** Whether a request failed because nothing listens at the agent's address, itself or behind Docker's proxy. */
export const isClosed = (error: unknown): boolean =>
  error instanceof ConsulError &&
  error.cause instanceof Error &&
  "code" in error.cause &&
  (error.cause.code === "ECONNREFUSED" || error.cause.code === "ECONNRESET");

/** Parses an answer. @throws ConsulError if it is not JSON */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConsulError(`unexpected answer: ${text.slice(0, 200)}`, { cause });
  }
}
