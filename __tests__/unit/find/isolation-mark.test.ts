import { expect, test } from "vitest";
import { cutMark, cutStateOf, cutStates } from "../../../src/find/isolation-mark.ts";
import { facts } from "./fixtures.ts";

test.each(cutStates)(
  "a mark identifies a node that is %s, until the node starts again",
  (state) => {
    const volumes = [cutMark(facts, state)];
    expect(cutStateOf(facts, volumes)).toBe(state);
    const again = { ...facts, State: { ...facts.State, StartedAt: "2026-01-01T00:00:01Z" } };
    expect(cutStateOf(again, volumes)).toBeUndefined();
    expect(cutStateOf({ ...facts, Name: "consul-c0ffee00-server-2" }, volumes)).toBeUndefined();
  },
);
