import fc from "fast-check";
import { expect, test } from "vitest";
import { type Bar, ganttOf } from "../../../src/report/gantt.ts";

const bar = (label: string, from = 0, to = 100, isBad = false): Bar => ({ label, from, to, isBad });

test("bars have whole milliseconds, and are at least one long", () => {
  const lines = ganttOf([{ name: "a", bars: [bar("b", 0.4, 0.4), bar("c", 10.6, 2000.2, true)] }]);
  expect(lines.slice(-4)).toEqual(["section a", "b :0, 1", "c :crit, 11, 2000", "```"]);
});

test.each([
  [6999, "%-S.%L s"],
  [7000, "%-S s"],
  [59_999, "%-S s"],
  [60_000, "%-M:%S min"],
])("the axis of a drawing of %i ms", (to, format) => {
  expect(ganttOf([{ name: "a", bars: [bar("b", 0, to)] }])).toContain(`axisFormat ${format}`);
});

test("long names of sections have space", () => {
  const name = "a-datacenter-with-a-long-name to 1.22.0";
  expect(ganttOf([{ name, bars: [bar("b")] }])[1]).toContain(`"leftPadding":${39 * 7 + 25}`);
});

test("whatever a name is, it stays one line with one time", () => {
  const character = fc.constantFrom(...':;#%`<>"&|{}\\\n\r\t aé🎉');
  const text = fc.oneof(fc.string(), fc.string({ unit: character }));
  fc.assert(
    fc.property(text, text, (name, section) => {
      const lines = ganttOf([{ name: section, bars: [bar(`agent ${name}`, 1, 2)] }]);
      expect(lines).toHaveLength(9);
      // Nothing that ends a name, or begins a comment, a directive, an entity, or markup.
      expect(lines[6]).toMatch(/^section [\w .,()/+-]*$/);
      expect(lines[7]).toMatch(/^agent[\w .,()/+-]* :1, 2$/);
    }),
  );
});
