import * as z from "zod";
import { jsonOf } from "./http.ts";
import type { HttpClient } from "./http-client.ts";

const tokenAnswer = z.object({ PeeringToken: z.string() });
const peeringAnswer = z.object({ State: z.string() });
const peeringsAnswer = z.array(z.looseObject({ Name: z.string(), State: z.string() }));

const exportsAnswer = z.array(
  z.object({
    Services: z
      .array(
        z.object({
          Name: z.string(),
          Namespace: z.string().default(""),
          Consumers: z.array(z.object({ Peer: z.string().default("") })).nullish(),
        }),
      )
      .nullish(),
  }),
);

/** Milliseconds. To establish a peering, Consul dials for 3 s (`establishmentTimeout`). */
const establishTimeout = 10_000;

/** Every service of a namespace, in an `exported-services` entry. */
export const everyService = "*";

/**
 * Peerings of an agent's datacenter with others, from Consul 1.14. Every method rejects with a
 * ConsulError that says what happened.
 */
export class Peerings {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /**
   * Generates a token with which another datacenter can establish a peering (`/v1/peering/token`). It has
   * the addresses of this one's servers. Each call makes a new one; what is established stays.
   *
   * @param peer - name of the other datacenter here
   * @returns the token, which is a secret
   */
  async generateToken(peer: string): Promise<string> {
    const answer = await this.#http.put("/v1/peering/token", { PeerName: peer }, "POST");
    return tokenAnswer.parse(jsonOf(answer)).PeeringToken;
  }

  /**
   * Establishes a peering with the datacenter that generated a token (`/v1/peering/establish`). If it is
   * there, and no stream is open, its servers dial again, at the addresses in the token.
   *
   * @param peer - name of the other datacenter here
   */
  async establish(peer: string, token: string): Promise<void> {
    await this.#http.request("/v1/peering/establish", {
      method: "POST",
      body: JSON.stringify({ PeerName: peer, PeeringToken: token }),
      timeout: establishTimeout,
    });
  }

  /**
   * State of a peering, as the leader has it (`/v1/peering/<name>`): `ACTIVE` while a stream is open.
   *
   * @returns undefined if there is no such peering
   */
  async state(peer: string): Promise<string | undefined> {
    const path = `/v1/peering/${encodeURIComponent(peer)}`;
    return (await this.#http.find(path, peeringAnswer))?.State;
  }

  /** Every peering as Consul has it (`/v1/peerings`). */
  all(): Promise<z.output<typeof peeringsAnswer>> {
    return this.#http.get("/v1/peerings", peeringsAnswer);
  }

  /**
   * Names of services in the default namespace that are exported to a peer, or `*`
   * (`/v1/config/exported-services`).
   */
  async exportedTo(peer: string): Promise<string[]> {
    const entries = await this.#http.get("/v1/config/exported-services", exportsAnswer);
    const services = entries
      .flatMap(({ Services }) => Services ?? [])
      .filter(({ Namespace }) => Namespace === "" || Namespace === "default")
      .filter(({ Consumers }) => Consumers?.some(({ Peer }) => Peer === peer));
    return [...new Set(services.map(({ Name }) => Name))];
  }
}
