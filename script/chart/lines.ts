/** The chart of times by size: one line for each variant of starting a cluster. */
import { element, gridLine, type Picture, seriesClass, svg, text, ticks } from "./svg.ts";

/** Seconds that some number of agents took. */
export interface Point {
  readonly agents: number;
  readonly median: number;
  /** The fastest and the slowest run. */
  readonly min: number;
  readonly max: number;
}

export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

const area = { left: 64, top: 118, width: 620, height: 260 };
const [right, bottom] = [area.left + area.width, area.top + area.height];
/** Pixels between the marks of two lines at one size, which would hide each other otherwise. */
const gap = 5;

interface Scale {
  readonly top: number;
  x(agents: number): number;
  y(seconds: number): number;
}

/**
 * A way that was measured at one size is a mark without a line. One that is far above all lines is
 * named at the upper edge with its time, so that it does not flatten them.
 */
export function lineChart(title: string, lines: readonly Line[]): string {
  const scale = scaleOf(lines);
  const picture: Picture = {
    id: "benchmark",
    width: 720,
    height: 436,
    title,
    description: lines.map(inWords).join(" "),
    elements: [
      text(16, 46, "Marks are medians; bars show the range from the fastest to the slowest run", {
        class: "note",
      }),
      ...lines.flatMap(({ name }, index) => legend(name, index)),
      ...grid(scale, Math.max(...drawnPoints(lines).map(({ agents }) => agents))),
      ...lines.flatMap((line, index) => {
        const shift = (index - (lines.length - 1) / 2) * gap;
        return series(line, index, { ...scale, x: (agents) => scale.x(agents) + shift });
      }),
    ],
  };
  return svg(picture);
}

const drawnPoints = (lines: readonly Line[]) =>
  lines.filter(({ points }) => points.length > 1).flatMap(({ points }) => points);

function scaleOf(lines: readonly Line[]): Scale {
  const drawn = drawnPoints(lines);
  const top = Math.max(...drawn.map(({ max }) => max)) * 1.08;
  const most = Math.max(...drawn.map(({ agents }) => agents)) * 1.04;
  return {
    top,
    x: (agents) => area.left + (agents / most) * area.width,
    y: (seconds) => bottom - (seconds / top) * area.height,
  };
}

function inWords({ name, points }: Line): string {
  const values = points.map(({ agents, median }) => `${median.toFixed(2)} s for ${agents} agents`);
  return `${name}: ${values.join(", ")}.`;
}

function grid(scale: Scale, most: number): string[] {
  return [
    ...ticks(scale.top).flatMap(({ at, label }) => [
      gridLine(area.left, scale.y(at), right, scale.y(at)),
      text(area.left - 8, scale.y(at) + 4, `${label} s`, { "text-anchor": "end", class: "note" }),
    ]),
    ...ticks(most).map(({ at, label }) =>
      text(scale.x(at), bottom + 20, label, { "text-anchor": "middle", class: "note" }),
    ),
    text(area.left + area.width / 2, bottom + 44, "agents (servers and clients)", {
      "text-anchor": "middle",
      class: "note",
    }),
  ];
}

function legend(name: string, index: number): string[] {
  const [x, y] = [area.left + (index % 2) * 310, 72 + Math.floor(index / 2) * 20];
  return [mark(index, x, y - 4), text(x + 14, y, name)];
}

function series({ points }: Line, index: number, { top, x, y }: Scale): string[] {
  const inside = points.filter(({ median }) => median <= top);
  const path = inside.map(
    ({ agents, median }) => `${x(agents).toFixed(1)},${y(median).toFixed(1)}`,
  );
  return [
    ...inside.map(({ agents, min, max }) =>
      element("line", {
        class: `${seriesClass(index)} spread`,
        x1: x(agents),
        x2: x(agents),
        y1: y(min),
        y2: y(Math.min(max, top)),
      }),
    ),
    ...(path.length > 1
      ? [element("polyline", { class: `${seriesClass(index)} line`, points: path.join(" ") })]
      : []),
    ...inside.map(({ agents, median }) => mark(index, x(agents), y(median))),
    ...points
      .filter(({ median }) => median > top)
      .flatMap(({ agents, median }) => [
        mark(index, x(agents), area.top),
        text(x(agents) + 12, area.top + 4, `↑ ${median.toFixed(1)} s, off the scale`),
      ]),
  ];
}

/** Outlines around a middle: color alone does not tell one line from another for everybody. */
const outlines = [
  "m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
  "m-4 -4h8v8h-8z",
  "m0 -6l6 6l-6 6l-6 -6z",
  "m0 -5.5l5.5 9.5h-11z",
];

function mark(index: number, x: number, y: number): string {
  const outline = outlines[index % outlines.length] ?? "";
  return element("path", {
    class: seriesClass(index),
    d: `M${x.toFixed(1)} ${y.toFixed(1)}${outline}`,
  });
}
