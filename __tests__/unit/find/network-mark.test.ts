import { expect, test } from "vitest";
import { markOf, markVolume, networkStateOf } from "../../../src/find/network-mark.ts";
import { facts } from "./fixtures.ts";

test.each([
  ["isolated", "isolated"],
  ["partitioned", "partitioned"],
  ["netem", "impaired"],
  ["htb", "impaired"],
  ["iptables", "impaired"],
] as const)("the mark %s says that a node is %s, until it starts again", (mark, state) => {
  const volumes = ["f00d", markVolume(facts, mark)];
  expect(markOf(facts, volumes)).toBe(mark);
  expect(networkStateOf(facts, volumes)).toBe(state);
  const again = { ...facts, State: { ...facts.State, StartedAt: "2026-01-01T00:00:01Z" } };
  expect(networkStateOf(again, volumes)).toBeUndefined();
  expect(networkStateOf({ ...facts, Name: "consul-c0ffee00-server-2" }, volumes)).toBeUndefined();
});
