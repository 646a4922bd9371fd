/** Faults and upgrades of a cluster of several datacenters, secured. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { root } from "../../script/runner.ts";
import { fastClocks, fault, ownJob, statesIn, upgrade, Writer } from "../fault-steps.ts";
import { ask, credentials } from "../secured.ts";
import { engineHoldings, type Up, up } from "../support.ts";
import { twoVersions } from "../versions.ts";

const file = `
datacenters:
  - { name: east, servers: 3, clients: 1 }
  - { name: west, servers: 1, clients: 1 }
`;
const eastServers = ["east-server-1", "east-server-2", "east-server-3"];

const membersSchema = z.array(
  z.object({ Name: z.string(), Status: z.number(), Tags: z.object({ build: z.string() }) }),
);
/** Serf's number for a member that is alive. */
const alive = 1;

let before: string[];
let cluster: Up;

const http = (node: string) => cluster.nodes.find(({ name }) => name === node)?.http ?? "";

async function get<T>(node: string, path: string, schema: z.ZodType<T>): Promise<T> {
  const { status, body } = await ask(`${http(node)}${path}`, credentials(cluster));
  expect(status, `${node}${path}: ${body}`).toBe(200);
  return schema.parse(JSON.parse(body));
}

const leaderFor = (node: string) => get(node, "/v1/status/leader", z.string());

/** Names of the servers of all datacenters that a server sees alive over WAN. */
async function overWan(node: string): Promise<string[]> {
  const members = await get(node, "/v1/agent/members?wan=1", membersSchema);
  return members.flatMap(({ Name, Status }) => (Status === alive ? [Name] : [])).sort();
}

const allOverWan = [...eastServers.map((name) => `${name}.east`), "west-server-1.west"];

beforeAll(async () => {
  // The other version is made before, as it is a container for a moment.
  const [older] = await twoVersions();
  before = await engineHoldings();
  const security = { acl: "true", tls: "true", "gossip-encryption": "true" };
  const inputs = { cluster: file, config: fastClocks, image: older.image };
  cluster = await up({ ...inputs, ...security }, ownJob());
});
afterAll(async () => {
  await cluster.down();
  expect(await engineHoldings()).toEqual(before);
});

describe("a fault", () => {
  test("says which datacenters there are, where it is not said which is meant", async () => {
    const inputs = { action: "kill", target: "leader" };
    const { exitCode, log } = await cluster.job.main(inputs, join(root, "fault"));
    expect(exitCode).toBe(1);
    expect(log).toContain("Set `datacenter` to one of east, west");
  });

  test("hits the leader of the one that is named, and the other goes on", async () => {
    const killed = await fault(cluster, "kill", "leader", { datacenter: "east" });
    const { node = "", leader = "", quorum } = killed.outputs;
    expect(quorum).toBe("true");
    expect(eastServers.filter((name) => name !== node)).toContain(leader);
    expect(statesIn(killed)).toMatchObject({ [node]: "stopped", "west-server-1": "running" });
    expect(await leaderFor("west-server-1")).not.toBe("");

    const started = await fault(cluster, "start", node);
    expect(started.outputs.quorum).toBe("true");
    for (const name of [...eastServers, "west-server-1"])
      expect(await overWan(name), name).toEqual(allOverWan);
  });

  test("takes a datacenter's only server, with its leader, and gives it back", async () => {
    const { outputs } = await fault(cluster, "kill", "west-server-1");
    expect(outputs).toMatchObject({ node: "west-server-1", leader: "", quorum: "false" });
    expect(await leaderFor("east-server-1")).not.toBe("");
    const started = await fault(cluster, "start", "", { datacenter: "west" });
    expect(started.outputs).toMatchObject({ leader: "west-server-1", quorum: "true" });
    expect(await overWan("east-server-1")).toEqual(allOverWan);
  });

  test("without a target, nodes come back in every datacenter, and the outputs are the primary's", async () => {
    await fault(cluster, "kill", "west-server-1");
    await fault(cluster, "kill", "follower", { datacenter: "east" });
    const started = await fault(cluster, "start");
    expect(eastServers).toContain(started.outputs.leader);
    expect(started.outputs.quorum).toBe("true");
    expect(new Set(Object.values(statesIn(started)))).toEqual(new Set(["running"]));
    expect(await leaderFor("west-server-1")).not.toBe("");
    expect(await overWan("east-server-1")).toEqual(allOverWan);
  });

  test("cuts a server off from the other datacenter too, until it is healed", async () => {
    const catalog = async () => {
      const url = `${http("east-server-1")}/v1/catalog/nodes?dc=west`;
      const late = new Promise<number>((resolve) => setTimeout(resolve, 2000, 0));
      const answer = ask(url, credentials(cluster)).then(
        ({ status }) => status,
        () => 0,
      );
      return Promise.race([answer, late]);
    };
    expect(await catalog()).toBe(200);
    await fault(cluster, "isolate", "server", { datacenter: "west" });
    expect(await catalog()).not.toBe(200);
    await fault(cluster, "heal", "", { datacenter: "west" });
    expect(await catalog()).toBe(200);
    expect(await overWan("west-server-1")).toEqual(allOverWan);
  });
});

test("an upgrade takes one datacenter after another, the primary first", async () => {
  const [, newer] = await twoVersions();
  // Each datacenter has a KV store of its own.
  const east = cluster.nodes.filter(({ datacenter }) => datacenter === "east");
  const writer = new Writer({ ...cluster, nodes: east });
  const [image = "", version = ""] = newer.image.split(/:(?=[^:/]+$)/);
  const result = await upgrade(cluster, { image, version });
  expect(result.exitCode, result.log).toBe(0);
  const order = [...result.log.matchAll(/(\S+) runs /g)].map(([, node = ""]) => node);
  expect(order.slice(0, 3).toSorted()).toEqual(eastServers);
  expect(order.slice(3)).toEqual(["east-client-1", "west-server-1", "west-client-1"]);
  for (const { name } of cluster.nodes) {
    const members = await get(name, "/v1/agent/members", membersSchema);
    for (const { Tags } of members) expect(Tags.build, name).toMatch(newer.version);
  }
  expect(z.array(z.string()).parse(JSON.parse(result.outputs.snapshot ?? ""))).toHaveLength(2);
  expect(eastServers).toContain(result.outputs.leader);
  expect(await writer.missing()).toEqual([]);
  expect(await overWan("west-server-1")).toEqual(allOverWan);
}, 120_000);
