import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ownShare, verdictsOf, waysTable } from "../../../script/bench/document.ts";
import { severalEnginesTable } from "../../../script/bench/several-engines.ts";
import { coverage, slope, summarize } from "../../../script/bench/statistics.ts";

describe("statistics", () => {
  test("the median is the value in the middle, or the mean of two", () => {
    expect(summarize([5, 1, 3])).toEqual({ count: 3, median: 3, min: 1, max: 5 });
    expect(summarize([4, 1, 3, 2]).median).toBe(2.5);
    expect(() => summarize([])).toThrow("no values");
  });

  test("half of the values lie on either side of the median", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const { median } = summarize(values);
        const half = values.length / 2;
        expect(values.filter((value) => value < median).length).toBeLessThanOrEqual(half);
        expect(values.filter((value) => value > median).length).toBeLessThanOrEqual(half);
      }),
    );
  });

  test("the slope of points on a line is the line's", () => {
    const points = [3, 10, 20, 40].map((x): [number, number] => [x, 0.13 * x + 2]);
    expect(slope(points)).toBeCloseTo(0.13);
  });

  test("overlapping intervals cover what they cover together", () => {
    const intervals = [
      { from: 20, to: 30 },
      { from: 0, to: 10 },
      { from: 5, to: 12 },
      { from: 22, to: 25 },
    ];
    expect(coverage(intervals)).toBe(22);
    expect(coverage([])).toBe(0);
  });
});

test("the action's own share is what no phase of docker or Consul covers", () => {
  const phases = [
    { name: "process", from: 0, to: 80 },
    { name: "image", from: 90, to: 120 },
    { name: "servers", from: 130, to: 800 },
    { name: "election", from: 700, to: 2000 },
    { name: "report", from: 2000, to: 2010 },
  ];
  expect(ownShare({ up: 2030, down: 900, phases })).toBe(90 + 10 + 30);
});

/** A variant that took these milliseconds. */
const way = (name: string, ups: readonly number[]) => ({
  way: { name, title: name, agents: 6, measure: () => Promise.reject(new Error("not measured")) },
  samples: ups.map((up) => ({ up, down: 500 })),
});

test("a verdict compares medians with its target", () => {
  const [against] = verdictsOf([way("action-3+3", [2200, 9000, 2000]), way("bare-3+3", [2000])]);
  expect(against).toMatchObject({ measured: "1.10 × (2.20 s compared with 2.00 s)", isMet: true });
  const [slower] = verdictsOf([way("action-3+3", [2210]), way("bare-3+3", [2000])]);
  expect(slower?.isMet).toBe(false);
});

test("a secured start is compared with an open one by the time that it takes more", () => {
  const [secured] = verdictsOf([way("action-3+3", [2000]), way("acl-3+3", [2300])]).filter(
    ({ metric }) => metric.includes("`acl`"),
  );
  expect(secured).toMatchObject({ measured: "0.30 s (2.30 s compared with 2.00 s)", isMet: false });
});

test("a step on a running cluster has a target by itself, and removes nothing", () => {
  const upgrade = { ...way("upgrade-3+2", []), samples: [{ up: 3000 }] };
  expect(verdictsOf([upgrade])).toMatchObject([{ measured: "3.00 s", isMet: false }]);
  expect(waysTable([upgrade]).at(-1)).toBe("| upgrade-3+2 | 6 | 1 | 3.00 | 3.00 to 3.00 | – | – |");
});

test("three engines are compared with one, and the overlay network's part is named", () => {
  const sample = (up: number, down: number) => [{ up, down }];
  const table = severalEnginesTable({
    bridge: sample(2000, 1000),
    overlay: sample(3000, 1500),
    three: sample(3500, 2000),
  }).join("\n");
  expect(table).toContain("| three engines | 1 | 3.50 | 3.50 to 3.50 | 2.00 | 2.00 to 2.00 |");
  expect(table).toMatch(/over three engines takes 1\.75 × \(2\.00 s and 3\.50 s\)/);
  expect(table).toMatch(/overlay network on one engine costs 1\.50 × \(2\.00 s and 3\.00 s\)/);
});
