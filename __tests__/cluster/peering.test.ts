/** Datacenters that are peered instead of joined over WAN. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import * as z from "zod";
import { fastTimers, fault, ownJob } from "../support/actions.ts";
import { nodeOf, testInputs, type Up, up } from "../support/cluster.ts";
import { resolveByUdp } from "../support/consul.ts";
import { engineHoldings } from "../support/engine.ts";
import { ask, query } from "../support/later-step.ts";
import { needs, needsBefore } from "../support/needs.ts";
import { RecordedJob } from "../support/record.ts";
import { overWan } from "../support/two-datacenters.ts";

const peers = {
  datacenters: [
    { name: "east", servers: 1, clients: 1 },
    { name: "west", servers: 1, clients: 0 },
  ],
  peerings: [{ acceptor: "east", dialer: "west" }],
};

const text = stringify({
  ...peers,
  acl: {
    policies: [
      {
        Name: "reader",
        Rules: 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }',
      },
    ],
    tokens: [{ Description: "reader", Policies: [{ Name: "reader" }] }],
  },
  tls: true,
  services: [
    { name: "web", port: 80, check: { ttl: "1h", status: "passing" } },
    { name: "private", port: 81 },
    { name: "api", node: "west-server-1", port: 82 },
  ],
  config_entries: [
    {
      datacenter: "east",
      Kind: "exported-services",
      Name: "default",
      Services: [{ Name: "web", Consumers: [{ Peer: "west" }] }],
    },
    {
      datacenter: "west",
      Kind: "exported-services",
      Name: "default",
      Services: [{ Name: "*", Consumers: [{ Peer: "east" }] }],
    },
    { Kind: "service-defaults", Name: "web", Protocol: "http" },
  ],
});

const peering = z.object({ State: z.string() });
const instances = z.array(
  z.object({ Service: z.object({ ID: z.string(), PeerName: z.string() }) }),
);
const tokens = z.array(z.object({ AccessorID: z.string(), SecretID: z.string() }));

describe("a secured cluster of peers", needs("1.14.0"), () => {
  let before: string[];
  let cluster: Up;
  beforeAll(async () => {
    before = await engineHoldings();
    cluster = await up({ cluster: text, config: fastTimers }, ownJob());
  });
  afterAll(async () => {
    await cluster.down();
    expect(await engineHoldings()).toEqual(before);
  });

  /** That both sides are active, and each shows what the other exports, and nothing else. */
  async function expectPeered(): Promise<void> {
    const [east, west] = [nodeOf(cluster, "east-server-1"), nodeOf(cluster, "west-server-1")];
    const state = "ACTIVE";
    expect(await query(cluster, east, "/v1/peering/west", peering)).toEqual({ State: state });
    expect(await query(cluster, west, "/v1/peering/east", peering)).toEqual({ State: state });
    const seen = async (node: typeof east, service: string, peer: string) =>
      (
        await query(cluster, node, `/v1/health/service/${service}?peer=${peer}&stale`, instances)
      ).map(({ Service }) => [Service.ID, Service.PeerName]);
    expect(await seen(west, "web", "east")).toEqual([["web", "east"]]);
    expect(await seen(west, "private", "east")).toEqual([]);
    expect(await seen(east, "api", "west")).toEqual([["api", "west"]]);
    // By DNS, as those ask who have no token.
    const { ip } = nodeOf(cluster, "east-client-1");
    expect(await resolveByUdp(west.dns, "web.service.east.peer.consul")).toEqual([ip]);
    const { dns } = nodeOf(cluster, "east-client-1");
    expect(await resolveByUdp(dns, "api.service.west.peer.consul")).toEqual([west.ip]);
  }

  // This test comes first and waits for nothing: it judges the moment at which main returned.
  test("is peered when main returns", async () => {
    await expectPeered();
    expect(cluster.result.summary).toContain("dc1 <-.->|peering| dc2");
    expect(cluster.result.summary).toContain("| peerings | 1 | `east and west` |");
    expect(await overWan(cluster, "east-server-1")).toEqual(["east-server-1.east"]);
    expect(await overWan(cluster, "west-server-1")).toEqual(["west-server-1.west"]);
  });

  test("has the same ACLs and entries in both datacenters, and the job one token for both", async () => {
    const [reader] = tokens.parse(JSON.parse(cluster.outputs.tokens ?? ""));
    const ca = readFileSync(cluster.outputs["ca-cert"] ?? "", "utf8");
    for (const { name, http } of cluster.nodes) {
      const known = { token: reader?.SecretID ?? "", ca };
      const { status, body } = await ask(`${http}/v1/acl/token/self`, known);
      expect([status, JSON.parse(body).AccessorID], name).toEqual([200, reader?.AccessorID]);
      const entry = "/v1/config/service-defaults/web";
      const protocol = z.object({ Protocol: z.string() });
      expect(await query(cluster, nodeOf(cluster, name), entry, protocol)).toEqual({
        Protocol: "http",
      });
    }
    // What is imported may be read by who may read all services.
    const west = nodeOf(cluster, "west-server-1");
    const url = `${west.http}/v1/health/service/web?peer=east`;
    const answer = await ask(url, { token: reader?.SecretID ?? "", ca });
    expect(instances.parse(JSON.parse(answer.body))).toHaveLength(1);
  });

  test.each(["east", "west"])(
    "is peered again when the server of %s is back, which Consul alone takes long for",
    async (datacenter) => {
      await fault(cluster, "kill", "leader", { datacenter });
      await fault(cluster, "start", `${datacenter}-server-1`);
      await expectPeered();
    },
  );
});

test(
  "a version without peerings is refused before anything starts",
  needsBefore("1.14.0"),
  async () => {
    const before = await engineHoldings();
    const job = new RecordedJob();
    const { exitCode, log } = await job.main(testInputs({ cluster: stringify(peers) }));
    await job.post();
    job.dispose();
    expect(exitCode).toBe(1);
    expect(log.match(/^::error.*$/gm)).toEqual([
      expect.stringMatching(
        /:9:5: `peerings\[0\] \(east and west\)` needs Consul 1\.14 or later, but this is Consul \d/,
      ),
    ]);
    expect(await engineHoldings()).toEqual(before);
  },
);
