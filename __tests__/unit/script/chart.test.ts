import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { barChart } from "../../../script/chart/bars.ts";
import { eventChart } from "../../../script/chart/events.ts";
import { chartsOf, readFigures } from "../../../script/chart/figures.ts";
import { lineChart } from "../../../script/chart/lines.ts";
import { element, palette, stepOf, svg, ticks } from "../../../script/chart/svg.ts";
import { root } from "../../../script/runner.ts";

/** Contrast of two colors as WCAG 2 defines it, from 1 to 21. */
function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const channels = [1, 3, 5]
    .map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  const [red = 0, green = 0, blue = 0] = channels;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe("the palette", () => {
  test.each(["light", "dark"] as const)("stands out from a %s page", (scheme) => {
    const { page, text, note, series } = palette[scheme];
    for (const color of [text, note]) expect(contrast(color, page)).toBeGreaterThanOrEqual(4.5);
    for (const color of series) expect(contrast(color, page)).toBeGreaterThanOrEqual(3);
  });

  test("has the same series for both", () => {
    expect(palette.dark.series).toHaveLength(palette.light.series.length);
  });
});

describe("a scale", () => {
  test("has at most 8 steps, of 1, 2 or 5", () => {
    expect([0.7, 2.4, 8, 9, 27, 43].map(stepOf)).toEqual([0.1, 0.5, 1, 2, 5, 10]);
  });

  test("is written with as few digits as its steps need", () => {
    expect(ticks(1.2).map(({ label }) => label)).toEqual("0 0.2 0.4 0.6 0.8 1 1.2".split(" "));
    expect(ticks(7).map(({ at }) => at)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

test("a picture is named and described for screen readers, and both are escaped", () => {
  const [title, description] = ["<a>", 'b & "c"'];
  const text = svg({ id: "x", width: 9, height: 9, title, description, elements: [] });
  expect(text).toContain('role="img" aria-labelledby="x-title" aria-describedby="x-description"');
  expect(text).toContain('<title id="x-title">&lt;a&gt;</title>');
  expect(text).toContain('<desc id="x-description">b &amp; &quot;c&quot;</desc>');
  expect(text).toContain("@media(prefers-color-scheme:dark)");
});

test("an element's numbers have one decimal, and its text is escaped", () => {
  expect(element("g", { x: 1.26, y: -0.01, class: 'a"b' }, "c")).toBe(
    '<g x="1.3" y="0" class="a&quot;b">c</g>',
  );
});

describe("the chart of ways", () => {
  const point = (agents: number, median: number) => ({ agents, median, min: median, max: median });
  const chart = lineChart("Ways", [
    { name: "action", points: [point(6, 2), point(43, 8)] },
    { name: "hand", points: [point(6, 27)] },
  ]);

  test("names a way far above the lines with its time, and is not flattened by it", () => {
    expect(chart).toContain("27.0 s, off the scale");
    expect(chart).toContain(">8 s</text>");
    expect(chart).not.toContain(">10 s</text>");
    expect(chart).not.toContain("NaN");
  });

  test("tells its figures in words", () => {
    expect(chart).toContain("action: 2.00 s for 6 agents, 8.00 s for 43 agents. hand: 27.00 s");
  });
});

test("a bar is as long as its phase, and one too short to measure is still seen", () => {
  const bar = (name: string, from: number, to: number) => ({ name, from, to });
  const chart = barChart("Start", [bar("image", 0, 1), bar("gossip", 1, 2), bar("report", 2, 2)]);
  const widths = [...chart.matchAll(/class="s0 bar".*? width="([\d.]+)"/g)].map(([, x]) => x);
  expect(widths).toEqual(["262", "262", "2"]);
  expect(chart).toContain("under 0.01 s");
  expect(chart).toContain("gossip: 1.00 s, starting at 1.00 s.");
});

test("events stand in the order of their times, words on the side that has room", () => {
  const chart = eventChart("Failover", [
    { text: "noticed", at: 4 },
    { text: "killed", at: 0 },
  ]);
  expect(chart).toMatch(/>0\.0 s: killed<\/text>[\s\S]*text-anchor="end">4\.0 s: noticed<\/text>/);
});

describe("the committed charts", () => {
  const charts = Object.entries(chartsOf(readFigures()));

  test.each(charts)("%s is what the committed figures draw (npm run charts)", (file, drawn) => {
    expect(readFileSync(join(root, file), "utf8")).toBe(drawn);
  });

  test("show the figures of docs/benchmark.md", () => {
    const rows = readFileSync(join(root, "docs/benchmark.md"), "utf8");
    const points = readFigures().benchmark.flatMap((line) => line.points);
    expect(points.length).toBeGreaterThan(0);
    for (const { agents, median, min, max } of points) {
      const spread = `${min.toFixed(2)} to ${max.toFixed(2)}`;
      expect(rows).toMatch(
        new RegExp(`\\| ${agents} \\| \\d+ \\| ${median.toFixed(2)} \\| ${spread} \\|`),
      );
    }
  });
});
