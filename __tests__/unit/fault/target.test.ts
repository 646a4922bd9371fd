import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FaultAction, Target } from "../../../src/fault/fault-inputs.ts";
import {
  refuseHealingPart,
  refusePartitioned,
  resolveTarget,
  targetDatacenters,
} from "../../../src/fault/target.ts";
import type { NodeState } from "../../../src/find/existing-cluster.ts";
import { type FoundDatacenter, hasQuorum, quorumOf } from "../../../src/find/raft.ts";
import { agent, dc1, names } from "../find/fixtures.ts";

const resolve = (action: FaultAction, target: Target, ...datacenters: FoundDatacenter[]) =>
  names(resolveTarget({ action, target }, datacenters));

describe("the nodes that a target matches", () => {
  test.each([
    ["leader", ["server-1"]],
    ["follower", ["server-2"]],
    ["server", ["server-1"]],
    ["client", ["client-1"]],
    ["all-clients", ["client-1"]],
    ["minority", ["server-2"]],
    ["majority", ["server-2", "server-3"]],
  ] as const)("%s", (word, expected) => {
    expect(resolve("kill", { word }, dc1())).toEqual(expected);
  });

  test("a node in the wrong state, and a name that is none, are refused with what to do", () => {
    const agents = [agent("server-1", "stopped"), agent("server-2"), agent("client-1", "isolated")];
    const on = (action: FaultAction, name: string) => () =>
      resolve(action, { names: [name] }, dc1(agents));
    expect(on("kill", "server-1")).toThrow(
      "Node server-1 is stopped; `kill` needs a running, isolated, or impaired node: `start` it first.",
    );
    expect(on("remove-data", "server-2")).toThrow(
      "Node server-2 is running; `remove-data` needs a stopped node: `kill` or `stop` it first.",
    );
    expect(on("heal", "server-2")).toThrow(
      "needs an isolated, partitioned, or impaired node: `isolate`, `partition`, `delay`, `loss`, or `bandwidth` it first",
    );
    expect(on("stop", "client-1")).toThrow("needs a running or impaired node: `heal` it first");
    expect(on("kill", "server-9")).toThrow("the cluster's nodes are server-1, server-2, client-1");
  });

  describe("of an engine", () => {
    const on = (engine: string, node: string, state: NodeState = "running") => {
      const found = agent(node, state);
      const labels = { "consul-cluster-action.engines": "default worker-1 worker-2" };
      const Config = { ...found.facts.Config, Labels: labels };
      return { ...found, engine, facts: { ...found.facts, Config } };
    };
    const agents = [
      on("default", "server-1"),
      on("worker-1", "server-2"),
      on("worker-1", "client-1", "stopped"),
    ];

    test("those that the action can act on", () => {
      expect(resolve("kill", { engine: "worker-1" }, dc1(agents))).toEqual(["server-2"]);
      expect(resolve("start", { engine: "worker-1" }, dc1(agents))).toEqual(["client-1"]);
    });

    test.each([
      [agents, "start", "default", "States: server-1 running."],
      [
        agents,
        "kill",
        "worker-3",
        'Input `target` names the engine "worker-3", but the cluster\'s engines are default, worker-1, worker-2.',
      ],
      [agents, "kill", "worker-2", "has no node of the cluster. Nodes are on default, worker-1."],
      [[agent("server-1")], "kill", "default", "but this cluster is on one engine"],
    ] as const)("none: %#", (there, action, engine, message) => {
      expect(() => resolve(action, { engine }, dc1(there))).toThrow(message);
    });
  });

  test("a target that matches none is refused with all states", () => {
    const agents = [agent("server-1"), agent("client-1", "stopped")];
    expect(() => resolve("kill", { word: "client" }, dc1(agents))).toThrow(
      "`target: client` matches no node that `kill` can act on. States: server-1 running (leader), client-1 stopped.",
    );
    expect(() => resolve("heal", { all: true }, dc1(agents))).toThrow(
      "There is no node that `heal` can act on.",
    );
  });

  test("a minority leaves a quorum and a majority does not, however many are away already", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(8), (count, awayWanted) => {
        const away = Math.min(awayWanted, count - quorumOf(count));
        const servers = Array.from({ length: count }, (_, i) =>
          agent(`server-${i + 1}`, i < count - away ? "running" : "paused"),
        );
        const now = { leader: "server-1", voters: names(servers) };
        const left = (word: "minority" | "majority") => {
          const hit = hitBy(() => resolve("kill", { word }, dc1(servers, now)));
          const after = servers.map((each) =>
            hit.includes(each.node) ? agent(each.node, "stopped") : each,
          );
          return hasQuorum(dc1(after, now));
        };
        expect([left("minority"), left("majority")]).toEqual([true, false]);
      }),
    );
  });
});

describe("the datacenters that a step acts on", () => {
  const datacenter = (name: string, ...agents: ReturnType<typeof agent>[]): FoundDatacenter => ({
    name,
    agents: agents.map((each) => ({ ...each, datacenter: name })),
    raft: { leader: "", voters: [] },
  });
  const east = datacenter("east", agent("east-server-1"), agent("east-client-1", "stopped"));
  const west = datacenter("west", agent("west-server-1", "stopped"));
  const targeted = (name: string, target: Target) =>
    targetDatacenters([east, west], { datacenter: name, target }).map((each) => each.name);

  test("the named one, or the one of the named nodes, or the only one", () => {
    expect(targeted("west", { word: "leader" })).toEqual(["west"]);
    expect(targeted("west", { all: true })).toEqual(["west"]);
    expect(targeted("", { names: ["east-client-1"] })).toEqual(["east"]);
    expect(targetDatacenters([dc1()], { datacenter: "", target: { word: "leader" } })).toEqual([
      dc1(),
    ]);
  });

  test("without a target, all: every node that can be brought back is", () => {
    expect(targeted("", { all: true })).toEqual(["east", "west"]);
    expect(resolve("start", { all: true }, east, west)).toEqual(["east-client-1", "west-server-1"]);
  });

  test("if several are left, or none has that name, the message names all", () => {
    const nodes = ["east-client-1", "west-server-1"];
    for (const target of [{ word: "leader" }, { names: nodes }] as const)
      expect(() => targeted("", target)).toThrow("Set `datacenter` to one of east, west");
    expect(() => targeted("north", { all: true })).toThrow(
      'is "north", but the cluster\'s datacenters are east, west',
    );
  });
});

test("a partitioned cluster can only be healed, and only as a whole", () => {
  const whole = [agent("server-1"), agent("client-1", "stopped")];
  const agents = [
    agent("server-1", "partitioned"),
    agent("server-2", "partitioned"),
    ...whole.slice(1),
  ];
  expect(() => refusePartitioned("start", agents)).toThrow(
    "The cluster is partitioned (server-1, server-2): `heal` it before `start`.",
  );
  expect(() => refusePartitioned("start", whole)).not.toThrow();
  expect(() => refusePartitioned("heal", agents)).not.toThrow();
  expect(() => refuseHealingPart(agents, agents.slice(1))).toThrow(
    "`heal` ends that as a whole: leave `target` and `datacenter` empty",
  );
  expect(() => refuseHealingPart(agents, agents.slice(0, 2))).not.toThrow();
});

/** None, if the target matches none. */
function hitBy(resolve: () => string[]): string[] {
  try {
    return resolve();
  } catch (error) {
    expect(String(error)).toContain("`target: minority` matches no node");
    return [];
  }
}
