import * as z from "zod";
import {
  autopilotAnswer,
  type ConsulObject,
  type FeatureGate,
  featureGatesAnswer,
  objectAnswer,
} from "./answers.ts";
import { ConsulError, withQuery } from "./http.ts";
import type { HttpClient } from "./http-client.ts";

const autopilotPath = "/v1/operator/autopilot/configuration";
const caPath = "/v1/connect/ca/configuration";

const rootsAnswer = z.object({ ActiveRootID: z.string() });

const caAnswer = z.object({ Provider: z.string(), Config: objectAnswer });
/** Settings of Connect's CA. */
export type CaSettings = z.output<typeof caAnswer>;

/**
 * The servers' state as a whole and what is for operators in it, through one agent. Every method rejects
 * with a ConsulError that says what happened.
 */
export class Operator {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /**
   * Replaces the servers' state by that of a snapshot, like `consul snapshot restore` (`/v1/snapshot`).
   *
   * @param timeout - milliseconds
   */
  async restore(snapshot: Buffer, timeout: number): Promise<void> {
    await this.#http.request("/v1/snapshot", { method: "PUT", body: snapshot, timeout });
  }

  /** Autopilot's settings, which are part of the servers' state. */
  autopilot(): Promise<ConsulObject> {
    return this.#http.get(autopilotPath, objectAnswer);
  }

  async setAutopilot(settings: ConsulObject): Promise<void> {
    await this.#http.put(autopilotPath, settings);
  }

  /** @returns undefined if Connect is off */
  async ca(): Promise<CaSettings | undefined> {
    try {
      return await this.#http.get(caPath, caAnswer);
    } catch (error) {
      if (error instanceof ConsulError && /Connect must be enabled/.test(error.message))
        return undefined;
      throw error;
    }
  }

  async setCa(settings: CaSettings): Promise<void> {
    await this.#http.put(caPath, settings);
  }

  /**
   * ID of the root certificate of Connect's CA.
   *
   * @param of - the servers' own, or what this agent remembers of it and uses for its certificates
   */
  async caRoot(of: "servers" | "agent"): Promise<string> {
    const path = `/v1${of === "agent" ? "/agent" : ""}/connect/ca/roots`;
    return (await this.#http.get(path, rootsAnswer)).ActiveRootID;
  }

  /**
   * The datacenter's feature gates (`/v1/operator/features`), in the state of the server that answers;
   * Consul 2.1 or later. Empty until its leader has set them up.
   *
   * @returns undefined if this Consul knows no feature gates
   */
  async featureGates(): Promise<FeatureGate[] | undefined> {
    return this.#http.find(withQuery("/v1/operator/features", { stale: "" }), featureGatesAnswer);
  }

  async setFeatureGate(name: string, Enabled: boolean): Promise<void> {
    await this.#http.put(`/v1/operator/feature/${encodeURIComponent(name)}`, { Enabled });
  }

  /** A snapshot of the servers' state (`/v1/snapshot`), like `consul snapshot save`. */
  snapshot(timeout: number): Promise<Buffer> {
    return this.#http.request("/v1/snapshot", { timeout });
  }

  /**
   * Makes another server the leader, like `consul operator raft transfer-leader`
   * (`/v1/operator/raft/transfer-leader`); Consul 1.15 or later.
   */
  async transferLeadership(): Promise<void> {
    await this.#http.request("/v1/operator/raft/transfer-leader", { method: "POST" });
  }

  /** Whether autopilot considers every server healthy (`/v1/operator/autopilot/health`). */
  async autopilotIsHealthy(): Promise<boolean> {
    // If it does not, the answer has status 429, and this rejects.
    return (await this.#http.get("/v1/operator/autopilot/health", autopilotAnswer)).Healthy;
  }
}
