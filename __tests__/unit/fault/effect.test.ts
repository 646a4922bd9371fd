import { describe, expect, test } from "vitest";
import { effectOf } from "../../../src/fault/effect.ts";
import type { FoundAgent } from "../../../src/find/existing-cluster.ts";
import { wanGate } from "../../../src/ready/gates.ts";
import { agent, names, raft, three } from "../find/fixtures.ts";

describe("what a fault must lead to", () => {
  const hit = (...nodes: string[]) => three.filter(({ node }) => nodes.includes(node));
  const effect = (
    action: Parameters<typeof effectOf>[0],
    nodes: string[],
    agents = three,
    now = raft,
  ) => effectOf(action, hit(...nodes), agents, { raft: now, addresses: new Map(), elsewhere: [] });

  test("with a quorum left, the others are asked whether it is gone", () => {
    const { what, asked } = effect("kill", ["server-1"]);
    expect([what, names(asked)]).toEqual([
      "server-1 gone for the others",
      ["server-2", "server-3", "client-1"],
    ]);
  });

  test("without a quorum, that nobody reports a leader, isolated servers among them", () => {
    expect(effect("kill", ["server-1", "server-2"])).toMatchObject({ what: "no leader anywhere" });
    expect(names(effect("isolate", ["server-1", "server-2"]).asked)).toContain("server-1");
  });

  test("an isolated server notices too, unless it has the only vote: it leads on by itself", () => {
    const isolatedMustNotice = (node: string) =>
      effect("isolate", [node]).gates.some(({ name }) => name.includes("isolated servers"));
    expect(isolatedMustNotice("server-2")).toBe(true);
    expect(isolatedMustNotice("client-1")).toBe(false);
    const single = { leader: "server-1", voters: ["server-1"] };
    const agents = [agent("server-1"), agent("client-1")];
    expect(names(effect("isolate", ["server-1"], agents, single).asked)).toEqual(["client-1"]);
  });

  test("servers that leave take their votes with them, killed ones don't", () => {
    expect(effect("stop", ["server-1", "server-2"]).what).toContain("gone for the others");
    const two = { leader: "server-2", voters: ["server-2", "server-3"] };
    const agents = [agent("server-1", "stopped"), ...three.slice(1)];
    expect(effect("kill", ["server-2"], agents, two).what).toBe("no leader anywhere");
  });

  test("one that comes back while too few others are there brings no quorum", () => {
    const agents = [agent("server-1", "stopped"), agent("server-2", "stopped"), ...three.slice(2)];
    expect(effect("start", ["server-1"], agents).what).toBe("server-1 back");
    const five = { leader: "", voters: [...raft.voters, "server-4", "server-5"] };
    expect(effect("start", ["server-1"], agents, five).what).toBe("no leader anywhere");
  });
});

test("a node that comes back must see the other datacenters, if there are any with a leader", () => {
  const gatesOf = (elsewhere: readonly FoundAgent[]) =>
    effectOf("start", three.slice(0, 1), three, {
      raft,
      addresses: new Map(),
      elsewhere,
    }).gates.map(({ name }) => name);
  expect(gatesOf([])).not.toContain(wanGate.name);
  expect(gatesOf([agent("west-server-1")])).toEqual([...gatesOf([]), wanGate.name]);
});
