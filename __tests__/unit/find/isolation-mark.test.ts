import { expect, test } from "vitest";
import { isIsolated, isolationVolume } from "../../../src/find/isolation-mark.ts";
import { facts } from "./fixtures.ts";

test("a mark identifies an isolated node, until the node starts again", () => {
  const mark = isolationVolume(facts);
  expect(isIsolated(facts, ["f00d", mark])).toBe(true);
  expect(isIsolated(facts, ["f00d"])).toBe(false);
  const later = { ...facts, State: { ...facts.State, StartedAt: "2026-01-01T00:00:01Z" } };
  expect(isIsolated(later, [mark])).toBe(false);
});
