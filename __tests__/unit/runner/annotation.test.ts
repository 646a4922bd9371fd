import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Quote, withQuotes } from "../../../src/errors.ts";
import { annotationText, maxAnnotation } from "../../../src/runner/annotation.ts";

const numbered = (count: number, text: string) =>
  Array.from({ length: count }, (_, index) => `${index + 1} ${text}`);

describe("an annotation", () => {
  test("that is short enough has everything, quotes last", () => {
    const quotes = [{ heading: "Its log:", lines: ["one", "two"] }];
    expect(annotationText("It exited.\nTry again.", quotes)).toBe(
      "It exited.\nTry again.\nIts log:\n  one\n  two",
    );
    expect(annotationText("It exited.", [])).toBe("It exited.");
  });

  test("that is too long loses the first lines of the longest quote", () => {
    const long = { heading: "Log of a:", lines: numbered(15, "x".repeat(298)) };
    const short = { heading: "Log of b:", lines: ["bad luck"] };
    const text = annotationText("Advice.", [long, short]);
    const [advice, heading, mark, ...rest] = text.split("\n");
    expect([advice, heading]).toEqual(["Advice.", "Log of a:"]);
    expect(mark).toBe("  … (2 lines cut; the log of this step has all of it)");
    expect(rest).toEqual([
      ...long.lines.slice(2).map((line) => `  ${line}`),
      "Log of b:",
      "  bad luck",
    ]);
  });

  test("keeps all quotes about equally long", () => {
    const quotes = ["a", "b", "c"].map((heading) => ({
      heading,
      lines: numbered(20, "y".repeat(200)),
    }));
    const marks = annotationText("Advice.", quotes).match(/\d+(?= lines cut)/g);
    expect(marks).toEqual(["14", "14", "13"]);
  });

  test("cuts a long line at its end", () => {
    const quotes = [{ heading: "Its log:", lines: ["z".repeat(5000), "bad luck"] }];
    expect(annotationText("Advice.", quotes)).toBe(
      `Advice.\nIts log:\n  ${"z".repeat(400)}… (4600 characters cut; the log of this step has all of it)\n  bad luck`,
    );
  });

  test("without space for quotes keeps both ends of the explanation", () => {
    const text = annotationText(`Cause. ${"w".repeat(6000)} Advice.`, [
      { heading: "Its log:", lines: ["one"] },
    ]);
    expect(text).toMatch(
      /^Cause\. w+\n… \(cut; the log of this step has all of it\) …\nw+ Advice\.\n… \(the log of this step has all of it\)$/,
    );
    expect(text.length).toBeGreaterThan(maxAnnotation - 2);
  });
});

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme", minLength: 300, maxLength: 6000 }),
);
const quotes = fc.array(
  fc.record({ heading: fc.string(), lines: fc.array(text, { maxLength: 80 }) }),
  { maxLength: 6 },
);

/** It takes minutes with texts as long as these. */
const noShrinking = { endOnFailure: true };

const isLong = (explanation: string, all: readonly Quote[]) =>
  withQuotes(explanation, all).length > maxAnnotation;

test("only one that is longer than the runner allows is cut", () => {
  const quote = (length: number) => [{ heading: "", lines: ["one", "x".repeat(length)] }];
  const fitting = maxAnnotation - "Advice.\n\n  one\n  ".length;
  expect(annotationText("Advice.", quote(fitting))).toHaveLength(maxAnnotation);
  expect(annotationText("Advice.", quote(fitting + 1)).length).toBeLessThan(500);
  const line = [{ heading: "", lines: ["x".repeat(10)] }];
  const explanation = "y".repeat(maxAnnotation - 13);
  expect(annotationText(explanation, line)).toContain("the log of this step has all of it");
});

test("no annotation is longer than the runner allows, and none is cut without need", () => {
  fc.assert(
    fc.property(text, quotes, (explanation, all) => {
      const shown = annotationText(explanation, all);
      expect(shown.length).toBeLessThanOrEqual(maxAnnotation);
      if (isLong(explanation, all)) expect(shown).toContain("the log of this step has all of it");
      else expect(shown).toBe(withQuotes(explanation, all));
    }),
    noShrinking,
  );
});

test("an explanation is whole if it leaves space for the headings, and so is the last line", () => {
  const short = fc.string({ maxLength: 300 });
  const lines = fc.array(fc.string({ maxLength: 350 }), { minLength: 1, maxLength: 80 });
  const some = fc.array(fc.record({ heading: fc.string(), lines }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(short, some, (explanation, all) => {
      const shown = annotationText(explanation, all);
      expect(shown.startsWith(`${explanation}\n`)).toBe(true);
      for (const { lines } of all) expect(shown).toContain(`  ${lines.at(-1)}`);
    }),
    noShrinking,
  );
});
