import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Target } from "../../../src/fault/fault-inputs.ts";
import { agentsMeant, resolveTarget } from "../../../src/fault/target.ts";
import { hasQuorum, quorumOf } from "../../../src/find/raft.ts";
import { agent, names, raft, three } from "../find/fixtures.ts";

describe("who is hit", () => {
  test.each([
    ["leader", ["server-1"]],
    ["follower", ["server-2"]],
    ["server", ["server-1"]],
    ["client", ["client-1"]],
    ["all-clients", ["client-1"]],
    ["minority", ["server-2"]],
    ["majority", ["server-2", "server-3"]],
  ] as const)("%s", (word, expected) => {
    expect(names(resolveTarget("kill", { word }, three, raft))).toEqual(expected);
  });

  test("a node in the wrong state, and a name that is none, are refused with what to do", () => {
    const agents = [agent("server-1", "stopped"), agent("server-2")];
    const kill = (name: string) => () => resolveTarget("kill", { names: [name] }, agents, raft);
    expect(kill("server-1")).toThrow('server-1 is stopped, and "kill" needs one that is running');
    expect(kill("server-9")).toThrow("the cluster's nodes are server-1, server-2");
    expect(() => resolveTarget("heal", { all: true }, agents, raft)).toThrow("means nobody");
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
          const hit = hitBy(() => names(resolveTarget("kill", { word }, servers, now)));
          const after = servers.map((each) =>
            hit.includes(each.node) ? agent(each.node, "stopped") : each,
          );
          return hasQuorum(after, now);
        };
        expect([left("minority"), left("majority")]).toEqual([true, false]);
      }),
    );
  });
});

describe("which datacenter is hit", () => {
  const inside = (datacenter: string, ...nodes: string[]) =>
    nodes.map((node) => ({ ...agent(node), datacenter }));
  const both = [
    ...inside("east", "east-server-1", "east-client-1"),
    ...inside("west", "west-server-1"),
  ];
  const meant = (datacenter: string, target: Target) =>
    names(agentsMeant(both, { datacenter, target }));

  test("the one that is named, or that of the nodes that are", () => {
    expect(meant("west", { word: "leader" })).toEqual(["west-server-1"]);
    expect(meant("", { names: ["east-client-1"] })).toEqual(["east-server-1", "east-client-1"]);
    expect(names(agentsMeant(three, { datacenter: "", target: { all: true } }))).toEqual(
      names(three),
    );
  });

  test("where several are left, or none has that name, all there are are told", () => {
    const names = ["east-client-1", "west-server-1"];
    for (const target of [{ word: "leader" }, { all: true }, { names }] as const)
      expect(() => meant("", target)).toThrow("by `datacenter`, one of east, west");
    expect(() => meant("north", { all: true })).toThrow(
      'is "north", but the cluster\'s datacenters are east, west',
    );
  });
});

/** Nobody, where the target means nobody. */
function hitBy(resolve: () => string[]): string[] {
  try {
    return resolve();
  } catch (error) {
    expect(String(error)).toContain('means "minority"');
    return [];
  }
}
