import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { covers } from "../../../src/seed/declared.ts";

describe("what is there covers what is declared", () => {
  test.each([
    [{ Name: "a", CreateIndex: 7 }, { name: "a" }],
    [{ EnableTagOverride: true }, { enable_tag_override: true }],
    [{ Policies: [{ ID: "1", Name: "p" }] }, { Policies: [{ Name: "p" }] }],
    [{ Policies: null }, { Policies: [] }],
    [{}, { Policies: [] }],
  ])("%j, %j", (existing, declared) => expect(covers(existing, declared)).toBe(true));

  test.each([
    [{ Name: "a" }, { Name: "b" }],
    [{ Name: "a" }, { Name: "a", Description: "d" }],
    [{ Policies: [{ Name: "p" }, { Name: "q" }] }, { Policies: [{ Name: "p" }] }],
    [{ Policies: null }, { Policies: [{ Name: "p" }] }],
    [{ a: "x" }, { a: { b: 1 } }],
  ])("not %j, %j", (existing, declared) => expect(covers(existing, declared)).toBe(false));

  test("of anything, anything covers itself", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // Keys that Consul would take for the same can't stand side by side in one of its objects.
        fc.pre(!/[A-Z_]/.test(JSON.stringify(value)));
        expect(covers(value, value)).toBe(true);
      }),
    );
  });
});
