import { once } from "node:events";
import { createServer } from "node:net";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { root } from "../../../script/runner.ts";
import { addressesIn, apisIn, fastTimers, fault, ownJob, statesIn } from "../../support/actions.ts";
import { errorsOf } from "../../support/annotations.ts";
import { blockingReader, dnsReader, Writer } from "../../support/clients.ts";
import { nodeOf, type Up, up } from "../../support/cluster.ts";
import { aliveMembers, httpGet, resolveByUdp, voters } from "../../support/consul.ts";
import { engineHoldings, run } from "../../support/engine.ts";
import { eventually } from "../../support/eventually.ts";
import { grpcMediaType } from "../../support/grpc.ts";

const allServers = ["server-1", "server-2", "server-3"];
const serviceSchema = z.array(z.object({ Node: z.object({ Node: z.string() }) }));

async function leaderAsSeenBy(http: string): Promise<string> {
  return JSON.parse(await httpGet(`${http}/v1/status/leader`));
}

let before: string[];
let cluster: Up;

const http = (node: string) => nodeOf(cluster, node).http;
const addressOf = (node: string) => nodeOf(cluster, node).ip;
const containerOf = (node: string) => nodeOf(cluster, node).container;
const addresses = () => Object.fromEntries(cluster.nodes.map(({ name, ip }) => [name, ip]));

/** One cluster for the tests of a group. */
function withCluster(inputs: Readonly<Record<string, string>>): void {
  beforeAll(async () => {
    before = await engineHoldings();
    cluster = await up({ clients: "2", ...inputs }, ownJob());
  });
  // Whatever happened before, the main action's post step removes everything.
  afterAll(async () => {
    await cluster.down();
    expect(await engineHoldings()).toEqual(before);
  });
}

describe("with Consul's own timers", () => {
  withCluster({});

  test("the leader is killed and started again: what clients see meanwhile", async () => {
    const { leader: old = "" } = (await fault(cluster, "restart", "client-2")).outputs;
    const both = ["client-1", old].sort();
    const service = { method: "PUT", body: JSON.stringify({ Name: "web", Port: 80 }) };
    for (const node of both)
      expect((await fetch(`${http(node)}/v1/agent/service/register`, service)).status).toBe(200);
    // Agents sync their services to the catalog in their own time, and servers that answer DNS
    // hear of it last.
    const asked = nodeOf(cluster, allServers.find((name) => name !== old) ?? "");
    await eventually(
      () => resolveByUdp(asked.dns, "web.service.consul"),
      (addresses) => addresses.length === both.length,
    );
    const readers = {
      dns: dnsReader(cluster, asked, "web"),
      "a blocking query through a server": blockingReader(asked.http, "web"),
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
    // Every remaining node knows at once.
    for (const { name, http } of cluster.nodes.filter(({ name }) => name !== node)) {
      expect(await leaderAsSeenBy(http), name).not.toBe("");
      expect(await aliveMembers(http), name).not.toContain(node);
    }
    const passing = await httpGet(`${http(leader)}/v1/health/state/passing?consistent`);
    expect(passing).not.toContain(`"Node":"${node}"`);
    await eachSees(["client-1"]);

    const started = await fault(cluster, "start", node);
    expect(started.outputs).toMatchObject({ node, quorum: "true" });
    // On the addresses in the outputs of the main action's step.
    expect(apisIn(started)).toEqual(apisIn(cluster.result));
    expect(await voters(http(node))).toEqual(allServers);
    const again = nodeOf(cluster, node);
    expect(await resolveByUdp(again.dns, "web.service.consul")).not.toEqual([]);
    expect(await grpcMediaType(again.grpc)).toBe("application/grpc");
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

describe("with faster timers", () => {
  withCluster({ config: fastTimers });

  test("a client agent is killed: a blocking query returns, and DNS no longer lists its services", async () => {
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
    // A query returns at any change of the service: each agent may still sync what it registered.
    const untilChanged = async (index = "0"): Promise<string[]> => {
      const answer = await fetch(`${url}&index=${index}&wait=60s`);
      const names = namesIn(await answer.text());
      if (names.length < 2) return names;
      return untilChanged(answer.headers.get("x-consul-index") ?? "0");
    };
    const blocked = untilChanged();
    await fault(cluster, "kill", "client-1");
    expect(await blocked).toEqual(["client-2"]);
    expect(
      await resolveByUdp(cluster.outputs["dns-address"] ?? "", "api.service.consul"),
    ).toHaveLength(1);

    expect(statesIn(await fault(cluster, "remove-data", "client-1"))["client-1"]).toBe("stopped");
    expect(statesIn(await fault(cluster, "start"))["client-1"]).toBe("running");
    // It is a new node with the old name, and the catalog takes its services.
    expect((await fetch(`${http("client-1")}/v1/agent/service/register`, service)).status).toBe(
      200,
    );
    await eventually(
      () => httpGet(url),
      (text) => namesIn(text).length === 2,
    );
  });

  test("some nodes start, then the rest, then all after an outage: each keeps its address", async () => {
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
    const restarted = await fault(cluster, "restart", higher);
    expect(addressesIn(restarted)[higher]).toBe(addressOf(higher));
    // While a server stops, something answers at the other one's address. Podman is asked for an address.
    const commandIn = (pattern: RegExp) => restarted.log.search(pattern);
    const [held, stopped] = [commandIn(/docker run .*-address /), commandIn(/docker stop /)];
    expect(stopped).toBeGreaterThan(-1);
    if (held > -1) expect(held).toBeLessThan(stopped);
    else expect(commandIn(/docker network connect .*--ip=/)).toBeGreaterThan(stopped);
    expect(addressesIn(await fault(cluster, "start"))).toEqual(addresses());

    await fault(cluster, "kill", JSON.stringify(cluster.nodes.map(({ name }) => name)));
    const all = await fault(cluster, "start");
    expect(all.outputs.quorum).toBe("true");
    expect(addressesIn(all)).toEqual(addresses());
    expect(await voters(http("server-1"))).toEqual(allServers);
  });

  test("an isolated node stays cut off from one that comes back later", async () => {
    // With Consul's own CLI: an image may have no other HTTP client.
    const reach = async (from: string, to: string, seconds = 15) => {
      const info = ["consul", "info", `-http-addr=http://${addressOf(to)}:8500`];
      // The CLI ends without an error on SIGTERM.
      const limit = { timeout: seconds * 1000, killSignal: "SIGKILL" } as const;
      return (await run("docker", ["exec", containerOf(from), ...info], limit)).stdout;
    };
    await fault(cluster, "kill", "client-1");
    await fault(cluster, "isolate", "client-2");
    await fault(cluster, "start", "client-1");
    expect(await reach("client-1", "server-1")).not.toBe("");
    await expect(reach("client-2", "client-1", 2)).rejects.toThrow();
    await expect(reach("client-1", "client-2", 2)).rejects.toThrow();
    await fault(cluster, "heal");
    expect(await reach("client-2", "client-1")).not.toBe("");
  });

  test("ports of a stopped node that others took: named with what has them, before a node starts", async () => {
    await fault(cluster, "kill", '["client-1", "client-2"]', { wait: "false" });
    const port = Number(new URL(http("client-2")).port);
    const other = createServer().listen(port, "127.0.0.1");
    await once(other, "listening");
    const refused = await cluster.job.main({ action: "start" }, join(root, "fault"));
    other.close();
    await once(other, "close");
    expect(refused.exitCode).toBe(1);
    expect(errorsOf(refused)).toMatchObject([{ title: "Ports of client-2 are in use" }]);
    const holder = `used by the process ${process.pid} (${basename(process.execPath)})`;
    expect(errorsOf(refused)[0]?.message).toContain(`client-2: http at port ${port}, ${holder}`);

    // None had started.
    const started = await fault(cluster, "start");
    expect(started.outputs.node).toBe('["client-1","client-2"]');
    expect(apisIn(started)).toEqual(apisIn(cluster.result));
  });

  test("an action that does not fit the node's state is refused with advice, and nothing is changed", async () => {
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
