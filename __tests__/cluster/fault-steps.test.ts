import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { root } from "../../script/runner.ts";
import { aliveMembers, resolveByUdp, voters } from "../consul.ts";
import {
  addressesIn,
  blockingReader,
  dnsReader,
  fastClocks,
  fault,
  ownJob,
  statesIn,
  Writer,
} from "../fault-steps.ts";
import { eventually } from "../secured.ts";
import { docker, engineHoldings, httpGet, type Up, up } from "../support.ts";

const allServers = ["server-1", "server-2", "server-3"];
const serviceSchema = z.array(z.object({ Node: z.object({ Node: z.string() }) }));

async function leaderAsSeenBy(http: string): Promise<string> {
  return JSON.parse(await httpGet(`${http}/v1/status/leader`));
}

let before: string[];
let cluster: Up;

const nodeOf = (node: string) => {
  const found = cluster.nodes.find(({ name }) => name === node);
  if (!found) throw new Error(`no ${node}`);
  return found;
};
const http = (node: string) => nodeOf(node).http;
const addressOf = (node: string) => nodeOf(node).ip;
const containerOf = (node: string) => nodeOf(node).container;
const addresses = () => Object.fromEntries(cluster.nodes.map(({ name, ip }) => [name, ip]));

/** A cluster for the tests of one group. */
function withCluster(inputs: Readonly<Record<string, string>>): void {
  beforeAll(async () => {
    before = await engineHoldings();
    cluster = await up({ clients: "2", ...inputs }, ownJob());
  });
  // Whatever went on before, the main action's post step removes it all.
  afterAll(async () => {
    await cluster.down();
    expect(await engineHoldings()).toEqual(before);
  });
}

describe("with Consul's own clocks", () => {
  withCluster({});
  // Only the first server's DNS is published: the test needs it while the leader is away.
  beforeAll(async () => {
    if (cluster.outputs.leader === "server-1") await fault(cluster, "restart", "leader");
  });

  test("the leader is killed and brought back: what clients see all the while", async () => {
    const { leader: old = "" } = (await fault(cluster, "restart", "client-2")).outputs;
    const both = ["client-1", old].sort();
    const service = { method: "PUT", body: JSON.stringify({ Name: "web", Port: 80 }) };
    for (const node of both)
      expect((await fetch(`${http(node)}/v1/agent/service/register`, service)).status).toBe(200);
    // Agents tell the catalog of their services in their own time, and servers that answer DNS
    // learn of it last.
    await eventually(
      () => resolveByUdp(cluster.outputs["dns-address"] ?? "", "web.service.consul"),
      (addresses) => addresses.length === both.length,
    );
    const readers = {
      dns: dnsReader(cluster, "web"),
      "a blocking query through a server": blockingReader(http("server-1"), "web"),
      "a blocking query through a client agent": blockingReader(http("client-1"), "web"),
    };
    const eachSees = (expected: readonly string[]) =>
      Promise.all(
        Object.entries(readers).map(([name, { seen }]) =>
          eventually(
            async () => `${name}: ${seen.at(-1)?.join()}`,
            (saw) => saw === `${name}: ${expected.join()}`,
          ),
        ),
      );
    await eachSees(both);
    const writer = new Writer(cluster);

    const killed = await fault(cluster, "kill", "leader");
    const { node = "", leader = "", quorum } = killed.outputs;
    expect({ node, quorum }).toEqual({ node: old, quorum: "true" });
    expect(allServers.filter((name) => name !== node)).toContain(leader);
    expect(statesIn(killed)).toMatchObject({ [node]: "stopped", [leader]: "running" });
    // Every node that is left knows, at once.
    for (const { name, http } of cluster.nodes.filter(({ name }) => name !== node)) {
      expect(await leaderAsSeenBy(http), name).not.toBe("");
      expect(await aliveMembers(http), name).not.toContain(node);
    }
    const passing = await httpGet(`${http(leader)}/v1/health/state/passing?consistent`);
    expect(passing).not.toContain(`"Node":"${node}"`);
    await eachSees(["client-1"]);

    const started = await fault(cluster, "start", node);
    expect(started.outputs).toMatchObject({ node, quorum: "true" });
    // On the address that the main action's step gave out.
    expect(await voters(http(node))).toEqual(allServers);
    await eachSees(both);
    for (const [name, reader] of Object.entries(readers)) {
      await reader.stop();
      expect(reader.seen, name).toEqual([both, ["client-1"], both]);
    }
    // A server that lost its leader still answers DNS: `dns_config.allow_stale`.
    expect(readers.dns.failures).toEqual([]);
    expect(await writer.missing()).toEqual([]);
    expect(writer.acknowledged.length).toBeGreaterThan(20);
  });
});

describe("with faster clocks", () => {
  withCluster({ config: fastClocks });

  test("a client agent dies: a blocking query ends, and DNS no longer names its services", async () => {
    const service = { method: "PUT", body: JSON.stringify({ Name: "api", Port: 80 }) };
    for (const node of ["client-1", "client-2"])
      expect((await fetch(`${http(node)}/v1/agent/service/register`, service)).status).toBe(200);
    const url = `${http("server-1")}/v1/health/service/api?passing`;
    const namesIn = (text: string) =>
      serviceSchema.parse(JSON.parse(text)).map(({ Node }) => Node.Node);
    await eventually(
      () => httpGet(url),
      (text) => namesIn(text).length === 2,
    );
    const index = (await fetch(url)).headers.get("x-consul-index");
    const blocked = httpGet(`${url}&index=${index}&wait=60s`);
    await fault(cluster, "kill", "client-1");
    expect(namesIn(await blocked)).toEqual(["client-2"]);
    expect(
      await resolveByUdp(cluster.outputs["dns-address"] ?? "", "api.service.consul"),
    ).toHaveLength(1);

    expect(statesIn(await fault(cluster, "remove-data", "client-1"))["client-1"]).toBe("stopped");
    expect(statesIn(await fault(cluster, "start"))["client-1"]).toBe("running");
  });

  test("some nodes start, then the rest, then all after an outage: each is where it was", async () => {
    const byAddress = (a: string, b: string) =>
      addressOf(a).localeCompare(addressOf(b), "en", { numeric: true });
    const { leader = "" } = (await fault(cluster, "restart", "client-1")).outputs;
    const followers = allServers.filter((name) => name !== leader).sort(byAddress);
    const [lower = "", higher = ""] = followers;
    await fault(cluster, "kill", followers.join());
    // The engine would give it the lowest address that is free.
    const one = await fault(cluster, "start", higher);
    expect(one.outputs.quorum).toBe("true");
    expect(addressesIn(one)).toEqual({ ...addresses(), [lower]: "" });
    expect(addressesIn(await fault(cluster, "restart", higher))[higher]).toBe(addressOf(higher));
    expect(addressesIn(await fault(cluster, "start"))).toEqual(addresses());

    await fault(cluster, "kill", JSON.stringify(cluster.nodes.map(({ name }) => name)));
    const all = await fault(cluster, "start");
    expect(all.outputs.quorum).toBe("true");
    expect(addressesIn(all)).toEqual(addresses());
    expect(await voters(http("server-1"))).toEqual(allServers);
  });

  test("an isolated node stays cut off from one that comes back later", async () => {
    const reach = (from: string, to: string) => {
      const url = `http://${addressOf(to)}:8500/v1/status/leader`;
      return docker("exec", containerOf(from), "timeout", "2", "wget", "-q", "-O-", url);
    };
    await fault(cluster, "kill", "client-1");
    await fault(cluster, "isolate", "client-2");
    await fault(cluster, "start", "client-1");
    expect(await reach("client-1", "server-1")).not.toBe("");
    await expect(reach("client-2", "client-1")).rejects.toThrow();
    await expect(reach("client-1", "client-2")).rejects.toThrow();
    await fault(cluster, "heal");
    expect(await reach("client-2", "client-1")).not.toBe("");
  });

  test("what can't be done is refused with what to do, and nothing is touched", async () => {
    const refused = await cluster.job.main(
      { action: "start", target: "server-1" },
      join(root, "fault"),
    );
    expect(refused.exitCode).toBe(1);
    expect(refused.log).toContain(
      "Node server-1 is running; `start` needs a stopped node: `kill` or `stop` it first.",
    );
    const other = await cluster.job.main(
      { action: "kill", target: "leader", cluster: "nope" },
      join(root, "fault"),
    );
    expect(other.log).toContain("the engine has no such cluster");
    expect(await voters(http("server-1"))).toEqual(allServers);
  });
});
