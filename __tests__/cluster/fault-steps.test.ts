import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { root } from "../../script/runner.ts";
import { aliveMembers, resolveByUdp, voters } from "../consul.ts";
import { fault, ownJob, statesIn, Writer } from "../fault-steps.ts";
import { ask, credentials } from "../secured.ts";
import { engineHoldings, httpGet, type Up, up } from "../support.ts";

const allServers = ["server-1", "server-2", "server-3"];
const serviceSchema = z.array(z.object({ Node: z.object({ Node: z.string() }) }));

async function leaderAsSeenBy(http: string): Promise<string> {
  return JSON.parse(await httpGet(`${http}/v1/status/leader`));
}

describe("an open cluster", () => {
  let before: string[];
  let cluster: Up;
  const http = (node: string) => {
    const found = cluster.nodes.find(({ name }) => name === node);
    if (!found) throw new Error(`no ${node}`);
    return found.http;
  };

  beforeAll(async () => {
    before = await engineHoldings();
    cluster = await up({ clients: "2" }, ownJob());
    // Only the first server's DNS is published: tests need it while the leader is away.
    if (cluster.outputs.leader === "server-1") await fault(cluster, "restart", "leader");
  });

  // Whatever went on before, the main action's post step removes it all.
  afterAll(async () => {
    await cluster.down();
    expect(await engineHoldings()).toEqual(before);
  });

  test("the leader is killed: another leads, clients go on, and it comes back with its vote", async () => {
    const service = { method: "PUT", body: JSON.stringify({ Name: "web", Port: 80 }) };
    for (const node of ["client-1", "client-2"])
      expect((await fetch(`${http(node)}/v1/agent/service/register`, service)).status).toBe(200);
    const writer = new Writer(cluster);

    const killed = await fault(cluster, "kill", "leader");
    const { node = "", leader = "", quorum } = killed.outputs;
    expect(quorum).toBe("true");
    expect(allServers.filter((name) => name !== node)).toContain(leader);
    expect(statesIn(killed)).toMatchObject({ [node]: "stopped", [leader]: "running" });
    // Every node that is left knows, at once.
    for (const { name, http } of cluster.nodes.filter(({ name }) => name !== node)) {
      expect(await leaderAsSeenBy(http), name).not.toBe("");
      expect(await aliveMembers(http), name).not.toContain(node);
    }
    const passing = await httpGet(`${http(leader)}/v1/health/state/passing?consistent`);
    expect(passing).not.toContain(`"Node":"${node}"`);
    expect(
      await resolveByUdp(cluster.outputs["dns-address"] ?? "", "web.service.consul"),
    ).toHaveLength(2);

    const started = await fault(cluster, "start", node);
    expect(started.outputs).toMatchObject({ node, quorum: "true" });
    // On the address that the main action's step gave out.
    expect(await voters(http(node))).toEqual(allServers);
    expect(await writer.missing()).toEqual([]);
    expect(writer.acknowledged.length).toBeGreaterThan(20);
  });

  test("a client agent dies: a blocking query ends, and DNS no longer names its services", async () => {
    const url = `${http("server-1")}/v1/health/service/web?passing`;
    const index = (await fetch(url)).headers.get("x-consul-index");
    const blocked = httpGet(`${url}&index=${index}&wait=60s`);
    await fault(cluster, "kill", "client-1");
    const left = serviceSchema.parse(JSON.parse(await blocked)).map(({ Node }) => Node.Node);
    expect(left).toEqual(["client-2"]);
    expect(
      await resolveByUdp(cluster.outputs["dns-address"] ?? "", "web.service.consul"),
    ).toHaveLength(1);

    expect(statesIn(await fault(cluster, "remove-data", "client-1"))["client-1"]).toBe("stopped");
    expect(statesIn(await fault(cluster, "start"))["client-1"]).toBe("running");
  });

  test("an isolated follower answers, knows no leader, and is as good as before when healed", async () => {
    const { outputs } = await fault(cluster, "isolate", "follower");
    const { node = "", leader = "" } = outputs;
    expect(await leaderAsSeenBy(http(node))).toBe("");
    expect(await aliveMembers(http(leader))).not.toContain(node);
    const healed = await fault(cluster, "heal");
    expect(healed.outputs.node).toBe(node);
    expect(await voters(http(node))).toEqual(allServers);
    expect(await leaderAsSeenBy(http(node))).not.toBe("");
  });

  test("a paused client is gone for the others until it is resumed; a restarted one is back", async () => {
    await fault(cluster, "pause", "client");
    expect(await aliveMembers(http("server-1"))).not.toContain("client-1");
    await fault(cluster, "resume", "client");
    expect(await aliveMembers(http("server-1"))).toContain("client-1");
    const { node } = (await fault(cluster, "restart", "all-clients")).outputs;
    expect(JSON.parse(node ?? "")).toEqual(["client-1", "client-2"]);
  });

  test("without a majority nobody reports a leader and no write is taken; with it all is there", async () => {
    const { node = "", leader, quorum } = (await fault(cluster, "kill", "majority")).outputs;
    expect({ leader, quorum, hit: JSON.parse(node).length }).toEqual({
      leader: "",
      quorum: "false",
      hit: 2,
    });
    const [remaining = ""] = allServers.filter((name) => !JSON.parse(node).includes(name));
    expect(await leaderAsSeenBy(http(remaining))).toBe("");
    const write = fetch(`${http(remaining)}/v1/kv/x`, {
      method: "PUT",
      body: "x",
      signal: AbortSignal.timeout(1000),
    });
    expect((await write.catch(() => ({ ok: false }))).ok).toBe(false);
    // The output of one step is the target of another.
    expect((await fault(cluster, "start", node)).outputs.quorum).toBe("true");
    expect(await voters(http(remaining))).toEqual(allServers);
  });

  test("who leaves is no member any more, and its step ends once it has left", async () => {
    const { outputs } = await fault(cluster, "stop", "client-2");
    expect(outputs).toMatchObject({ node: "client-2", quorum: "true" });
    const members = await httpGet(`${http("server-1")}/v1/agent/members`);
    expect(JSON.parse(members)).toContainEqual(
      expect.objectContaining({ Name: "client-2", Status: 3 }),
    );
    await fault(cluster, "start", "client-2");
  });

  test("what can't be done is refused with what to do, and nothing is touched", async () => {
    const refused = await cluster.job.main(
      { action: "start", target: "server-1" },
      join(root, "fault"),
    );
    expect(refused.exitCode).toBe(1);
    expect(refused.log).toContain(
      'Node server-1 is running, and "start" needs one that is stopped',
    );
    const other = await cluster.job.main(
      { action: "kill", target: "leader", cluster: "nope" },
      join(root, "fault"),
    );
    expect(other.log).toContain("the engine has no such cluster");
    expect(await voters(http("server-1"))).toEqual(allServers);
  });
});

describe("a secured cluster", () => {
  let cluster: Up;
  beforeAll(async () => {
    cluster = await up(
      { clients: "1", acl: "true", tls: "true", "gossip-encryption": "true" },
      ownJob(),
    );
  });
  afterAll(() => cluster.down());

  test("faults work as in an open one, and no secret is printed", async () => {
    const writer = new Writer(cluster);
    const { node = "" } = (await fault(cluster, "kill", "leader")).outputs;
    await fault(cluster, "start", node);
    const steps = [await fault(cluster, "isolate", "client"), await fault(cluster, "heal")];
    expect(await writer.missing()).toEqual([]);
    for (const { rawLog } of steps) expect(rawLog).not.toContain(cluster.outputs["http-token"]);
    const [{ http } = { http: "" }] = cluster.nodes;
    const { body } = await ask(`${http}/v1/status/leader`, credentials(cluster));
    expect(JSON.parse(body)).not.toBe("");
  }, 120_000);
});
