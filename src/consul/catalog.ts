import * as z from "zod";
import {
  type ConsulObject,
  catalogNodeAnswer,
  catalogNodesAnswer,
  objectAnswer,
} from "./answers.ts";
import { withQuery } from "./http.ts";
import type { HttpClient } from "./http-client.ts";

/**
 * How an agent reads: `stale` from the state of the server that it asks, as DNS does
 * (`dns_config.allow_stale`), `consistent` from a leader that a quorum confirms.
 */
export type ReadMode = "stale" | "consistent";

/** A health check in the catalog. */
export interface HealthCheck {
  readonly node: string;
  readonly id: string;
  readonly name: string;
  /** `passing`, `warning`, or `critical`. */
  readonly status: string;
  readonly output: string;
  /** ID of the service that it belongs to; empty for a check of the node itself. */
  readonly serviceId: string;
}

/** One instance of a service, with all that its health depends on. */
export interface ServiceInstance {
  readonly node: string;
  readonly id: string;
  /** Its own address or, if it has none, its node's. */
  readonly address: string;
  readonly port: number;
  /** `connect-proxy` and the like; empty for a service of its own. */
  readonly kind: string;
  /** Its own checks and its node's. */
  readonly checks: readonly HealthCheck[];
}

const checkAnswer = z
  .object({
    Node: z.string(),
    CheckID: z.string(),
    Name: z.string(),
    Status: z.string(),
    Output: z.string(),
    ServiceID: z.string(),
  })
  .transform(
    ({ Node, CheckID, Name, Status, Output, ServiceID }): HealthCheck => ({
      ...{ node: Node, id: CheckID, name: Name },
      ...{ status: Status, output: Output, serviceId: ServiceID },
    }),
  );

const checksAnswer = z.array(checkAnswer);

const instancesAnswer = z.array(
  z.object({
    Node: z.object({ Node: z.string(), Address: z.string() }),
    // From 1.10, the answer leaves out a port of 0 (agent/structs/structs.go, `NodeService`).
    Service: z.object({
      ID: z.string(),
      Address: z.string(),
      Port: z.number().default(0),
      Kind: z.string().default(""),
    }),
    Checks: checksAnswer,
  }),
);

/** Null if there is no such node. */
const registeredAnswer = z
  .object({ Node: objectAnswer, Services: z.record(z.string(), z.unknown()) })
  .nullable();

/**
 * The catalog and the health in it, through one agent. Every method rejects with a ConsulError that
 * says what happened.
 */
export class Catalog {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /**
   * Every instance of a service, healthy or not (`/v1/health/service`).
   *
   * @param peer - that exports it; empty for a service of the agent's own datacenter
   */
  async instances(service: string, mode: ReadMode, peer = ""): Promise<ServiceInstance[]> {
    const query = { [mode]: "", ...(peer !== "" && { peer }) };
    const path = withQuery(`/v1/health/service/${encodeURIComponent(service)}`, query);
    const entries = await this.#http.get(path, instancesAnswer);
    return entries.map(({ Node, Service, Checks }) => ({
      node: Node.Node,
      id: Service.ID,
      address: Service.Address || Node.Address,
      port: Service.Port,
      kind: Service.Kind,
      checks: Checks,
    }));
  }

  /** Names of all services (`/v1/catalog/services`). */
  async serviceNames(): Promise<string[]> {
    const path = withQuery("/v1/catalog/services", { stale: "" });
    return Object.keys(await this.#http.get(path, objectAnswer));
  }

  /** Every check of every node and service (`/v1/health/state/any`). */
  checks(mode: ReadMode): Promise<HealthCheck[]> {
    return this.#http.get(withQuery("/v1/health/state/any", { [mode]: "" }), checksAnswer);
  }

  /**
   * The checks that this agent runs itself (`/v1/agent/checks`). The catalog gets a new output at once
   * only if the status changes, and otherwise after up to 5 minutes (`check_update_interval`).
   */
  async ownChecks(): Promise<HealthCheck[]> {
    const checks = await this.#http.get("/v1/agent/checks", z.record(z.string(), checkAnswer));
    return Object.values(checks);
  }

  /** @returns a node's own checks, not those of its services; undefined if there is no such node */
  async nodeChecks(node: string, mode: ReadMode): Promise<HealthCheck[] | undefined> {
    const name = encodeURIComponent(node);
    const query = { [mode]: "" };
    const known = await this.#http.get(
      withQuery(`/v1/catalog/node/${name}`, query),
      catalogNodeAnswer,
    );
    if (known === null) return undefined;
    const checks = await this.#http.get(withQuery(`/v1/health/node/${name}`, query), checksAnswer);
    return checks.filter(({ serviceId }) => serviceId === "");
  }

  /**
   * What registers a node again with all that it has (`PUT /v1/catalog/register`): the node with its own
   * checks, and then each of its services with its checks.
   *
   * @returns an empty list if there is no such node
   */
  async registrationsOf(node: string): Promise<ConsulObject[]> {
    const name = encodeURIComponent(node);
    const [known, checks] = await Promise.all([
      this.#http.get(`/v1/catalog/node/${name}`, registeredAnswer),
      this.#http.get(`/v1/health/node/${name}`, z.array(objectAnswer)),
    ]);
    if (known === null) return [];
    const { Meta: NodeMeta, ...own } = known.Node;
    const checksOf = (id: string) => ({
      Checks: checks.filter(({ ServiceID }) => ServiceID === id),
    });
    const services = Object.entries(known.Services).map(([id, Service]) => ({
      ...{ ...own, NodeMeta, SkipNodeUpdate: true, Service, ...checksOf(id) },
    }));
    return [{ ...own, NodeMeta, ...checksOf("") }, ...services];
  }

  /** Names of all nodes (`/v1/catalog/nodes`). */
  async nodeNames(): Promise<string[]> {
    const path = withQuery("/v1/catalog/nodes", { stale: "" });
    return (await this.#http.get(path, catalogNodesAnswer)).map(({ Node }) => Node);
  }
}
