import fc from "fast-check";
import { expect, test } from "vitest";
import { codeSpan, firstOfMany, textBox } from "../../../src/report/markdown.ts";

test.each([
  ["web", "`web`"],
  ["", ""],
  ["a|b", "`a\\|b`"],
  ["a`b", "``a`b``"],
  ["`", "`` ` ``"],
  ["a\nb\t c ", "`a b c`"],
  ["x".repeat(61), `\`${"x".repeat(59)}…\``],
])("%j as a code span", (text, span) => {
  expect(codeSpan(text)).toBe(span);
});

test("whatever a text is, its span is on one line, and nothing in it ends it or the cell", () => {
  const character = fc.constantFrom(..."`|\\<>\n\r\t aé🎉");
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: character })), (text) => {
      const span = codeSpan(text);
      if (text.trim() === "") return;
      const fence = /^`+/.exec(span)?.[0] ?? "";
      const inside = span.slice(fence.length, -fence.length);
      expect(span.endsWith(fence)).toBe(true);
      expect(inside).not.toMatch(new RegExp(`(?<!\`)${fence}(?!\`)`));
      expect(span).not.toMatch(/[\n\r]|(?<!\\)\|/);
    }),
  );
});

test("a box is longer than what could end it", () => {
  expect(textBox(["a", "````"])).toEqual(["`````text", "a", "````", "`````"]);
});

test("many texts are counted, one more is shown", () => {
  expect(firstOfMany(["a", "b", "c"], 2)).toBe("a, b, c");
  expect(firstOfMany(["a", "b", "c", "d"], 2)).toBe("a, b, and 2 more");
});
