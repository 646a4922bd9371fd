import { describe, expect, test } from "vitest";
import type { Group } from "../../../src/fault/groups.ts";
import { resolveSides, sideOf, sidesText } from "../../../src/fault/sides.ts";
import { agent, dc1, names, three } from "../find/fixtures.ts";

const group = (part: Partial<Group>): Group => ({
  names: [],
  words: [],
  takesOthers: false,
  ...part,
});

describe("the sides of a partition", () => {
  const sidesOf = (...groups: Group[]) => resolveSides(groups, "", [dc1()]).map(names);

  test("are the groups; nodes in none are on the last side", () => {
    expect(sidesOf(group({ names: ["server-2"] }), group({ names: ["server-1"] }))).toEqual([
      ["server-2"],
      ["server-1", "server-3", "client-1"],
    ]);
  });

  test("have the nodes in no group where `others` is", () => {
    expect(sidesOf(group({ takesOthers: true }), group({ words: ["leader"] }))).toEqual([
      ["server-2", "server-3", "client-1"],
      ["server-1"],
    ]);
  });

  test("words match nodes that are in no group yet, from left to right", () => {
    expect(
      sidesOf(
        group({ words: ["follower"], names: ["client-1"] }),
        group({ words: ["follower"] }),
        group({ takesOthers: true }),
      ),
    ).toEqual([["client-1", "server-2"], ["server-3"], ["server-1"]]);
    expect(sidesOf(group({ words: ["minority"] }), group({ words: ["majority"] }))).toEqual([
      ["server-2"],
      ["server-3", "server-1", "client-1"],
    ]);
    expect(() => sidesOf(group({ names: ["client-1"] }), group({ words: ["client"] }))).toThrow(
      "`client` in `groups` matches no running node that is in no other group",
    );
  });

  test("each has a node that runs; one that is stopped is on the last side", () => {
    const stopped = [...three.slice(0, 3), agent("client-1", "stopped")];
    const resolve = (...groups: Group[]) => resolveSides(groups, "", [dc1(stopped)]);
    const all = group({ names: ["server-1", "server-2", "server-3"] });
    expect(() => resolve(all, group({ takesOthers: true }))).toThrow(
      "Group 2 of `groups` has no node that runs",
    );
    expect(() => resolve(all, group({ names: ["client-1"] }))).toThrow(
      "Node client-1 is stopped; `partition` needs a running node: `start` it first.",
    );
    expect(() => resolve(all, group({ names: ["client-9"] }))).toThrow('`groups` names "client-9"');
  });

  test("may be of several datacenters; words need one", () => {
    const west = [{ ...agent("server-9"), datacenter: "west" }];
    const raft = { leader: "server-9", voters: ["server-9"] };
    const datacenters = [dc1(), { name: "west", agents: west, raft }];
    const apart = [group({ takesOthers: true }), group({ names: ["server-9"] })];
    expect(sidesText(resolveSides(apart, "", datacenters))).toBe(
      "server-1, server-2, server-3, client-1 | server-9",
    );
    const led = [group({ words: ["leader"] }), group({ takesOthers: true })];
    expect(() => resolveSides(led, "", datacenters)).toThrow(
      "Set `datacenter` to one of dc1, west",
    );
    expect(resolveSides(led, "west", datacenters).map(names)[0]).toEqual(["server-9"]);
    const here = [group({ words: ["leader"] }), group({ names: ["server-2"] })];
    expect(resolveSides(here, "", datacenters).map(names)[0]).toEqual(["server-1"]);
  });

  test("a node is on one of them; without sides, it is alone", () => {
    const [first, ...others] = three;
    if (!first) throw new Error("no node");
    expect(names(sideOf([others, [first]], first))).toEqual(["server-1"]);
    expect(names(sideOf([], first))).toEqual(["server-1"]);
  });
});
