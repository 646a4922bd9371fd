import { describe, expect, test } from "vitest";
import { aimOf, aimOfUndo } from "../../../src/fault/aim.ts";
import { faultInputDefaults, parseFaultInputs } from "../../../src/fault/fault-inputs.ts";
import type { FoundAgent } from "../../../src/find/existing-cluster.ts";
import { agent, consulThatAnswers, names, raftAnswer, three } from "../find/fixtures.ts";

const clusterOf = (agents: readonly FoundAgent[]) => ({
  ...{ clusterId: "c0ffee00", network: "net", credentials: { scheme: "http" } as const },
  ...{ agents, addresses: new Map(agents.map(({ node, ip }) => [node, ip])) },
});

const aim = (inputs: Readonly<Record<string, string>>, agents: readonly FoundAgent[] = three) =>
  aimOf(
    parseFaultInputs((name) => inputs[name] ?? faultInputDefaults[name] ?? ""),
    clusterOf(agents),
    { timeout: 60_000, signal: new AbortController().signal },
  );

describe("what a fault acts on", () => {
  test("is the target, the sides, or what is worse for the target", async () => {
    const kill = await aim({ action: "kill", target: "server-2" });
    expect([kill.title, names(kill.hit)]).toEqual(["kill server-2", ["server-2"]]);
    const split = await aim({ action: "partition", groups: "server-2 | others" });
    expect(split.title).toBe("partition server-2 | server-1, server-3, client-1");
    expect(split).toMatchObject({ datacenter: "dc1", sides: { length: 2 }, hit: { length: 4 } });
    const slow = await aim({ action: "delay", target: "client-1", latency: "5ms" });
    expect(slow.title).toBe("delay by 5 ms on client-1");
  });

  test("is an engine that is cut off, unless there is nothing to cut it off from", async () => {
    const inputs = { action: "isolate", target: "engine:worker-1" };
    const onEngine = (engine: string) => (node: string) => ({ ...agent(node), engine });
    const there = ["server-2", "client-1"].map(onEngine("worker-1"));
    const cut = await aim(inputs, [onEngine("default")("server-1"), ...there]);
    expect(cut).toMatchObject({
      title: "isolate engine:worker-1 (server-2, client-1)",
      sides: [],
      hit: there,
    });
    await expect(aim(inputs, there)).rejects.toThrow("which has all nodes of the cluster");
  });

  test("of what a fault left, is what undoes it; if something else did, the message says so", async () => {
    const paused = [...three.slice(0, 3), agent("client-1", "paused")];
    const undo = await aimOfUndo("resume", three.slice(3), clusterOf(paused), "dc1");
    expect([undo.title, undo.effect.what]).toEqual(["resume client-1", "client-1 is back"]);
    await expect(aimOfUndo("resume", three.slice(3), clusterOf(three), "dc1")).rejects.toThrow(
      "Node client-1 is running; `resume` needs a paused node",
    );
  });

  test("a partition comes first in the message, whatever the target is", async () => {
    const apart = three.map(({ node }) => agent(node, "partitioned"));
    await expect(aim({ action: "kill", target: "leader" }, apart)).rejects.toThrow(
      "`heal` it before `kill`",
    );
    expect(names((await aim({ action: "heal" }, apart)).hit)).toEqual(names(three));
  });

  test("waits for the end of an election if a word depends on who leads, and only then", async () => {
    const electing = raftAnswer(["b", "server-1", "10.0.0.1"], ["c", "server-2", "10.0.0.2"]);
    const elected = raftAnswer(["b", "server-1", "10.0.0.1"], ["a", "server-2", "10.0.0.2"]);
    let questions = 0;
    const consul = await consulThatAnswers((_, answer) =>
      answer.end(JSON.stringify(questions++ < 6 ? electing : elected)),
    );
    const servers = ["server-1", "server-2"].map((node) => ({ ...agent(node), consul }));
    expect(names((await aim({ action: "kill", target: "server" }, servers)).hit)).toEqual([
      "server-1",
    ]);
    expect(questions).toBe(2);
    const split = await aim({ action: "partition", groups: "leader | others" }, servers);
    expect([questions, names(split.sides[0] ?? [])]).toEqual([8, ["server-2"]]);
    questions = 0;
    const kill = await aim({ action: "kill", target: "leader" }, servers);
    expect([questions, names(kill.hit)]).toEqual([8, ["server-2"]]);
  });

  test("waits for no leader of servers that are too few to elect one", async () => {
    const peers = raftAnswer(["b", "server-1", "10.0.0.1"], ["c", "server-2", "10.0.0.2"]);
    const consul = await consulThatAnswers((_, answer) => answer.end(JSON.stringify(peers)));
    const left = [{ ...agent("server-1"), consul }, agent("server-2", "stopped")];
    await expect(aim({ action: "kill", target: "leader" }, left)).rejects.toThrow(
      "`target: leader` matches no node that `kill` can act on. States: server-1 running, server-2 stopped.",
    );
  });

  test("without other agents, only everything can be slow", async () => {
    const single = [agent("server-1")];
    const inputs = { action: "loss", target: "server-1", percent: "5" };
    await expect(aim(inputs, single)).rejects.toThrow(
      "the cluster has no agent other than server-1",
    );
    expect((await aim({ ...inputs, scope: "all" }, single)).hit).toHaveLength(1);
  });
});
