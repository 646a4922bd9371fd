/** Faults in a secured cluster of two datacenters. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { root } from "../../../script/runner.ts";
import { fault, statesIn } from "../../support/actions.ts";
import { nodeOf, type Up } from "../../support/cluster.ts";
import { engineHoldings } from "../../support/engine.ts";
import { ask, credentials, query } from "../../support/later-step.ts";
import { allOverWan, eastServers, overWan, twoDatacenters } from "../../support/two-datacenters.ts";

let before: string[];
let cluster: Up;

const leaderFor = (node: string) =>
  query(cluster, nodeOf(cluster, node), "/v1/status/leader", z.string());

beforeAll(async () => {
  before = await engineHoldings();
  cluster = await twoDatacenters();
});
afterAll(async () => {
  await cluster.down();
  expect(await engineHoldings()).toEqual(before);
});

describe("a fault", () => {
  test("lists the datacenters if the step names none", async () => {
    const inputs = { action: "kill", target: "leader" };
    const { exitCode, log } = await cluster.job.main(inputs, join(root, "fault"));
    expect(exitCode).toBe(1);
    expect(log).toContain("Set `datacenter` to one of east, west");
  });

  test("hits the leader of the datacenter that the step names, and the other keeps its leader", async () => {
    const killed = await fault(cluster, "kill", "leader", { datacenter: "east" });
    const { node = "", leader = "", quorum } = killed.outputs;
    expect(quorum).toBe("true");
    expect(eastServers.filter((name) => name !== node)).toContain(leader);
    expect(statesIn(killed)).toMatchObject({ [node]: "stopped", "west-server-1": "running" });
    expect(await leaderFor("west-server-1")).not.toBe("");

    const started = await fault(cluster, "start", node);
    expect(started.outputs.quorum).toBe("true");
    for (const name of [...eastServers, "west-server-1"])
      expect(await overWan(cluster, name), name).toEqual(allOverWan);
  });

  test("kills a datacenter's only server, and starts it again", async () => {
    const { outputs } = await fault(cluster, "kill", "west-server-1");
    expect(outputs).toMatchObject({ node: "west-server-1", leader: "", quorum: "false" });
    expect(await leaderFor("east-server-1")).not.toBe("");
    const started = await fault(cluster, "start", "", { datacenter: "west" });
    expect(started.outputs).toMatchObject({ leader: "west-server-1", quorum: "true" });
    expect(await overWan(cluster, "east-server-1")).toEqual(allOverWan);
  });

  test("brings a datacenter's only server back after a graceful leave, and its client finds it", async () => {
    // Gossip forgets a server that left, and the server forgets the others.
    await fault(cluster, "stop", "west-server-1");
    const { outputs } = await fault(cluster, "start", "west-server-1");
    expect(outputs).toMatchObject({ node: "west-server-1" });
    expect(await leaderFor("west-client-1")).not.toBe("");
  });

  test("without a target, nodes come back in every datacenter, and the outputs are the primary's", async () => {
    await fault(cluster, "kill", "west-server-1");
    await fault(cluster, "kill", "follower", { datacenter: "east" });
    const started = await fault(cluster, "start");
    expect(eastServers).toContain(started.outputs.leader);
    expect(started.outputs.quorum).toBe("true");
    expect(new Set(Object.values(statesIn(started)))).toEqual(new Set(["running"]));
    expect(await leaderFor("west-server-1")).not.toBe("");
    expect(await overWan(cluster, "east-server-1")).toEqual(allOverWan);
  });

  test("isolates a server from the other datacenter too, until it is healed", async () => {
    const catalog = (milliseconds = 15_000) => {
      const url = `${nodeOf(cluster, "east-server-1").http}/v1/catalog/nodes?dc=west`;
      const answer = ask(url, credentials(cluster)).then(
        ({ status }) => status,
        () => 0,
      );
      return Promise.race([answer, sleep(milliseconds, 0)]);
    };
    expect(await catalog()).toBe(200);
    await fault(cluster, "isolate", "server", { datacenter: "west" });
    expect(await catalog(2000)).not.toBe(200);
    await fault(cluster, "heal", "", { datacenter: "west" });
    expect(await catalog()).toBe(200);
    expect(await overWan(cluster, "west-server-1")).toEqual(allOverWan);
  });
});
