/** What happens to a cluster on several machines when one of them dies, or is cut off. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressesIn, fault, hastyTimers, sidesIn, statesIn } from "../../support/actions.ts";
import { Writer } from "../../support/clients.ts";
import { nodeOf } from "../../support/cluster.ts";
import { aliveMembers, voters } from "../../support/consul.ts";
import { docker } from "../../support/engine.ts";
import { engines, holdings, onMachines } from "../../support/machines.ts";
import {
  expectAnswers,
  expectLargeValue,
  nodesOf,
  step,
  type UpOnMachines,
  upOnMachines,
} from "../../support/up-on-machines.ts";

const worker1 = { target: "engine:worker-1" };
const there = ["server-2", "client-2", "client-5"];

describe("three servers and six clients on three engines", onMachines, () => {
  let cluster: UpOnMachines;
  const http = (name: string) => nodeOf(cluster, name).http;
  const addresses = () => Object.fromEntries(cluster.nodes.map(({ name, ip }) => [name, ip]));
  const names = () => cluster.nodes.map(({ name }) => name).sort();
  const elsewhere = () => names().filter((name) => !there.includes(name));

  beforeAll(async () => {
    cluster = await upOnMachines({ servers: "3", clients: "6", config: hastyTimers });
  });
  afterAll(async () => {
    const { log } = await cluster.down();
    expect(log).not.toContain("::warning");
  });

  test("each engine has a server and two clients, and every address answers", async () => {
    const held = await holdings();
    const agents = held.map((all) =>
      all.flatMap((name) => name.match(/(server|client)-\d$/)?.[0] ?? []),
    );
    expect(agents).toEqual([
      ["client-1", "client-4", "server-1"],
      ["client-2", "client-5", "server-2"],
      ["client-3", "client-6", "server-3"],
    ]);
    expect(cluster.nodes.map(({ engine }) => engine)).toEqual([...engines, ...engines, ...engines]);
    await expectAnswers(cluster);
    const [first, second, third] = cluster.nodes;
    if (first && second && third) await expectLargeValue(cluster, second, third);
  });

  test("a machine dies and comes back: three voters, and no acknowledged write is lost", async () => {
    const writer = new Writer(cluster);
    const killed = await fault(cluster, "kill", worker1.target);
    expect(JSON.parse(killed.outputs.node ?? "")).toEqual(there);
    expect(killed.outputs.quorum).toBe("true");
    expect(killed.outputs.leader).toMatch(/^server-[13]$/);
    expect(await aliveMembers(http("client-1"))).toEqual(elsewhere());
    const during = writer.acknowledged.length;
    await sleep(500);
    expect(writer.acknowledged.length).toBeGreaterThan(during);
    const back = await fault(cluster, "start", worker1.target);
    expect(await writer.missing()).toEqual([]);
    expect(addressesIn(back)).toEqual(addresses());
    expect(await voters(http("server-2"))).toEqual(["server-1", "server-2", "server-3"]);
    await expectAnswers(cluster);
  });

  test("an engine that is cut off, and healed", async () => {
    const cut = await fault(cluster, "isolate", worker1.target);
    expect(cut.log).toContain("isolate engine:worker-1 (server-2, client-2, client-5)");
    const states = Object.entries(statesIn(cut)).filter(([, state]) => state !== "running");
    expect(states).toEqual(there.map((name) => [name, "isolated"]));
    expect(cut.outputs.leader).toMatch(/^server-[13]$/);
    expect(await aliveMembers(http("server-1"))).toEqual(elsewhere());
    // Its own nodes still see each other, and the job all of them.
    const ping = ["--context=worker-1", "exec", nodeOf(cluster, "client-2").container, "ping"];
    const reach = (name: string) =>
      docker(...ping, "-c1", "-W2", addresses()[name] ?? "").then(
        () => true,
        () => false,
      );
    expect(await Promise.all(["client-5", "server-1"].map(reach))).toEqual([true, false]);
    expect(await aliveMembers(http("client-2"))).toEqual(
      expect.arrayContaining(["client-2", "client-5", "server-2"]),
    );
    const healed = await fault(cluster, "heal", worker1.target);
    expect(new Set(Object.values(statesIn(healed)))).toEqual(new Set(["running"]));
    expect(await aliveMembers(http("client-5"))).toEqual(names());
  });

  test("a partition of the leader, wherever it is, and healed", async () => {
    const groups = "leader, client-4 | others";
    const split = await step(cluster, "fault", { action: "partition", groups });
    expect(split.exitCode, split.log).toBe(0);
    const [side] = sidesIn(split);
    expect(side).toEqual({ nodes: [expect.stringMatching(/^server-/), "client-4"], leader: "" });
    expect(await aliveMembers(http("client-4"))).toEqual([...(side?.nodes ?? [])].sort());
    await fault(cluster, "heal");
    expect(await aliveMembers(http("client-5"))).toEqual(names());
  });

  test("a machine freezes and goes on", async () => {
    const paused = await fault(cluster, "pause", "engine:worker-2");
    expect(JSON.parse(paused.outputs.node ?? "")).toEqual(["server-3", "client-3", "client-6"]);
    const back = await fault(cluster, "resume", "engine:worker-2");
    expect(nodesOf(back).map(({ engine }) => engine)).toEqual(
      cluster.nodes.map(({ engine }) => engine),
    );
  });

  test("an engine that is none of the cluster's is refused", async () => {
    const refused = await step(cluster, "fault", { action: "kill", target: "engine:worker-7" });
    expect(refused.exitCode).toBe(1);
    expect(refused.log).toContain(
      'names the engine "worker-7", but the cluster\'s engines are default, worker-1, worker-2.',
    );
  });

  test("without its forwarder: the next step starts it again, and every address is as it was", async () => {
    const forwarder = `consul-${cluster.outputs["cluster-id"]}-forwarder`;
    await docker("restart", forwarder);
    const restarted = await step(cluster, "wait", { service: "consul" });
    expect(restarted.exitCode, restarted.log).toBe(0);
    await expectAnswers(cluster);
    await docker("kill", forwarder);
    const logs = await step(cluster, "logs", {});
    expect(logs.log).toContain(`::group::${forwarder} exited with code 137`);
    const back = await step(cluster, "wait", { service: "consul" });
    expect(back.exitCode, back.log).toBe(0);
    expect(back.log).toContain(`The container ${forwarder}, through which the job reaches`);
    await expectAnswers(cluster);
  });

  test("if the forwarder exits during a step, that fails at once and says so", async () => {
    const forwarder = `consul-${cluster.outputs["cluster-id"]}-forwarder`;
    const waiting = step(cluster, "wait", { service: "no-such-service", timeout: "100s" });
    await sleep(3000);
    await docker("kill", forwarder);
    const killed = performance.now();
    const failed = await waiting;
    expect(failed.exitCode).toBe(1);
    expect(performance.now() - killed).toBeLessThan(20_000);
    expect(failed.log).toContain(`::error title=${forwarder} exited::`);
    const back = await step(cluster, "wait", { service: "consul" });
    expect(back.exitCode, back.log).toBe(0);
  });
});
