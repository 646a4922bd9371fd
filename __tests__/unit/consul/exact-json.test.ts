import fc from "fast-check";
import { expect, test } from "vitest";
import { parseExactly } from "../../../src/consul/exact-json.ts";

test("whole numbers that JavaScript can't hold are the text of their digits", () => {
  const text = '[9007199254740991, 9007199254740993, {"a": 18446744073709551615}, 1e300, "1"]';
  expect(parseExactly(text)).toEqual([
    9007199254740991,
    "9007199254740993",
    { a: "18446744073709551615" },
    1e300,
    "1",
  ]);
});

test("everything else is what JSON.parse makes of it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!/\d{16}/.test(text));
      expect(parseExactly(text)).toEqual(JSON.parse(text));
    }),
  );
  expect(() => parseExactly("{")).toThrow(SyntaxError);
});
