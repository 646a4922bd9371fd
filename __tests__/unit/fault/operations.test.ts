import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { cutOffFromOthers, operations } from "../../../src/fault/operations.ts";
import type { FaultStep } from "../../../src/fault/step.ts";
import type { FoundAgent } from "../../../src/find/existing-cluster.ts";
import { agent, consulThatAnswers, fakeDocker, raftAnswer } from "../find/fixtures.ts";

function stepOn(agents: readonly FoundAgent[], hit: readonly FoundAgent[]): FaultStep {
  const canceled = new AbortController().signal;
  const docker = new Engine(canceled, () => {});
  const credentials = { scheme: "http" } as const;
  const addresses = new Map(agents.map(({ node, ip }) => [node, ip]));
  const cluster = { clusterId: "c0ffee00", network: "net", credentials, addresses, agents };
  return { docker, cleanup: docker, toolsImage: "", timeout: 5000, canceled, cluster, hit };
}

describe("agents that leave in one step", () => {
  /** What happened, in its order, if these agents leave; server-1 stays, and knows Raft. */
  async function leaving(nodes: readonly string[], status: Readonly<Record<string, number>> = {}) {
    const events: string[] = [];
    // All containers run until the last agent leaves.
    const folder = fakeDocker("while [ ! -e last ]; do sleep 0.05; done");
    let looks = 0;
    const members = ["server-1", "server-2", "server-3", "client-1"].map(async (node, index) => {
      const consul = await consulThatAnswers(({ url = "" }, answer) => {
        if (url === "/v1/agent/leave") {
          events.push(`${node} leaves`);
          if (node === nodes.at(-1)) writeFileSync(join(folder, "last"), "");
          return answer.writeHead(status[node] ?? 200).end("no");
        }
        // At the third look Raft has no server-2.
        looks += 1;
        if (looks === 3) events.push("Raft has removed server-2");
        const peers = (["1", looks < 3 ? "2" : "1", "3"] as const).map(
          (id) => [id, `server-${id}`, `10.0.0.${id}`] as const,
        );
        return answer.end(JSON.stringify(raftAnswer(...peers)));
      });
      return { ...agent(node), ip: `10.0.0.${index + 1}`, consul };
    });
    const agents = await Promise.all(members);
    const hit = nodes.flatMap((name) => agents.filter(({ node }) => node === name));
    return { events, step: operations.stop(stepOn(agents, hit)) };
  }

  test("each leaves once Raft has removed the server before it, even if that still runs", async () => {
    const { events, step } = await leaving(["server-2", "server-3"]);
    await step;
    expect(events).toEqual(["server-2 leaves", "Raft has removed server-2", "server-3 leaves"]);
  });

  test("a client's leave holds up no other", async () => {
    const { events, step } = await leaving(["client-1", "server-3"]);
    await step;
    expect(events.slice(0, 2).sort()).toEqual(["client-1 leaves", "server-3 leaves"]);
  });

  test("if one refuses, the next doesn't leave", async () => {
    const { events, step } = await leaving(["server-2", "server-3"], { "server-2": 403 });
    await expect(step).rejects.toThrow("server-2 refused to leave: 403 no.");
    expect(events).toEqual(["server-2 leaves"]);
  });
});

/** Agents that answer, and the requests that they get, each as `<node> <method> <path>`. */
async function answeringAgents(...nodes: readonly ReturnType<typeof agent>[]) {
  const requests: string[] = [];
  const agents = await Promise.all(
    nodes.map(async (node) => {
      const consul = await consulThatAnswers(({ method, url }, answer) => {
        requests.push(`${node.node} ${method} ${url}`);
        answer.end();
      });
      return { ...node, consul };
    }),
  );
  return { agents, requests };
}

test.each(["resume", "heal"] as const)(
  "after %s, a node joins again at once, a server over WAN too",
  async (action) => {
    fakeDocker("exit 0");
    const at = (node: string, ip: string, datacenter = "dc1") => ({
      ...agent(node, node === "server-1" || node === "client-1" ? "paused" : "running"),
      ip,
      datacenter,
    });
    const { agents, requests } = await answeringAgents(
      at("server-1", "10.0.0.1"),
      at("server-2", "10.0.0.2"),
      at("client-1", "10.0.0.3"),
      at("server-9", "10.0.0.9", "west"),
    );
    const hit = agents.filter(({ state }) => state === "paused");
    await operations[action](stepOn(agents, hit));
    expect(requests.sort()).toEqual([
      "client-1 PUT /v1/agent/join/10.0.0.1",
      "server-1 PUT /v1/agent/join/10.0.0.2",
      "server-1 PUT /v1/agent/join/10.0.0.9?wan=1",
    ]);
  },
);

describe("what nodes that are cut off drop", () => {
  /** Of server-1, server-2, server-3, which is down, and client-1. @param hit - those that are cut off */
  async function dropped(
    state: "isolated" | "partitioned",
    { hit, sides }: { readonly hit: readonly string[]; readonly sides: readonly string[][] },
  ) {
    const folder = fakeDocker('[ "$1" = run ] && echo "$@" >>runs; exit 0');
    const at = (node: string, ip: string, now: "running" | "stopped" = "running") => {
      const found = agent(node, now);
      return { ...found, ip, facts: { ...found.facts, Name: node } };
    };
    const agents = [
      at("server-1", "10.0.0.1"),
      at("server-2", "10.0.0.2"),
      at("server-3", "10.0.0.3", "stopped"),
      at("client-1", "10.0.0.4"),
    ];
    const named = (nodes: readonly string[]) => agents.filter(({ node }) => nodes.includes(node));
    await cutOffFromOthers(stepOn(agents, named(hit)), state, sides.map(named));
    const runs = readFileSync(join(folder, "runs"), "utf8").split("--network=container:").slice(1);
    return runs.map((run) => [run.split(" ")[0], run.match(/10\.0\.0\.\d/g)?.join()]).sort();
  }

  test("in a partition: the nodes of other sides, those that are down included", async () => {
    const sides = [["server-1"], ["server-2", "server-3", "client-1"]];
    const hit = ["server-1", "server-2", "client-1"];
    expect(await dropped("partitioned", { hit, sides })).toEqual([
      ["client-1", "10.0.0.1"],
      ["server-1", "10.0.0.2,10.0.0.3,10.0.0.4"],
      ["server-2", "10.0.0.1"],
    ]);
  });

  test("on an engine that is cut off: the nodes of other engines, and not each other", async () => {
    const sides = [["server-2", "server-3", "client-1"]];
    expect(await dropped("isolated", { hit: ["server-2", "client-1"], sides })).toEqual([
      ["client-1", "10.0.0.1"],
      ["server-2", "10.0.0.1"],
    ]);
    expect(await dropped("isolated", { hit: ["client-1"], sides: [] })).toEqual([
      ["client-1", "10.0.0.1,10.0.0.2,10.0.0.3"],
    ]);
  });
});
