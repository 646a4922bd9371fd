/** SVG drawn by hand: two small pictures need no library. Legible on a light and on a dark page. */
import type { Phase } from "./phases.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Spread of the runs. */
  readonly min: number;
  readonly max: number;
}

export interface Line {
  readonly title: string;
  readonly points: readonly Point[];
}

const colors = ["#2f81f7", "#9a6700", "#8250df", "#cf222e", "#1a7f37"];
const area = { left: 56, top: 92, width: 620, height: 280 };

/** A document of this size with these elements. @param label - what a screen reader says */
function svg(width: number, height: number, label: string, elements: readonly string[]): string {
  const style = `text{font:13px system-ui,sans-serif;fill:#1f2328}.faint{fill:#59636e}.grid{stroke:#d1d9e0}.halo{fill:none;stroke-width:2.5}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.faint{fill:#9198a1}.grid{stroke:#3d444d}}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}"><title>${escaped(label)}</title>`,
    `<style>${style}</style>`,
    ...elements,
    "</svg>",
    "",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${round(x)}" y="${round(y)}"${more && ` ${more}`}>${escaped(content)}</text>`;
}

const round = (value: number) => Math.round(value * 10) / 10;

/** The round number (1, 2 or 5 times a power of ten) that cuts a scale into at most 8 steps. */
export function stepOf(top: number): number {
  const power = 10 ** Math.floor(Math.log10(top / 8));
  return power * ([1, 2, 5, 10].find((factor) => top / (power * factor) <= 8) ?? 10);
}

/**
 * Time against the number of agents, one line a way. A way measured at one size is a dot; one that
 * is far above all lines is named at the upper edge with its time, so that it doesn't flatten them.
 */
export function lineChart(title: string, lines: readonly Line[]): string {
  const drawn = lines.filter(({ points }) => points.length > 1).flatMap(({ points }) => points);
  const top = Math.max(...drawn.map(({ max }) => max)) * 1.08;
  const right = Math.max(...drawn.map(({ x }) => x)) * 1.04;
  const toX = (x: number) => area.left + (x / right) * area.width;
  const toY = (y: number) => area.top + area.height - (y / top) * area.height;
  const steps = (end: number) =>
    Array.from({ length: Math.floor(end / stepOf(end)) + 1 }, (_, index) => index * stepOf(end));
  const grid = steps(top).flatMap((y) => [
    `<line class="grid" x1="${area.left}" x2="${area.left + area.width}" y1="${round(toY(y))}" y2="${round(toY(y))}"/>`,
    text(area.left - 8, toY(y) + 4, `${round(y)}`, 'text-anchor="end" class="faint"'),
  ]);
  const axis = steps(right).map((x) =>
    text(toX(x), area.top + area.height + 20, `${x}`, 'text-anchor="middle" class="faint"'),
  );
  const marks = lines.flatMap(({ points }, index) => {
    const color = colors[index % colors.length] ?? "";
    const inside = points.filter(({ y }) => y <= top);
    const path = inside.map(({ x, y }) => `${round(toX(x))},${round(toY(y))}`).join(" ");
    return [
      ...(inside.length > 1 ? [`<polyline class="halo" stroke="${color}" points="${path}"/>`] : []),
      ...inside.flatMap(({ x, y, min, max }) => [
        `<line stroke="${color}" stroke-opacity=".5" x1="${round(toX(x))}" x2="${round(toX(x))}" y1="${round(toY(min))}" y2="${round(toY(Math.min(max, top)))}"/>`,
        `<circle cx="${round(toX(x))}" cy="${round(toY(y))}" r="4" fill="${color}"/>`,
      ]),
      ...points
        .filter(({ y }) => y > top)
        .flatMap(({ x, y }) => [
          `<path fill="${color}" d="M${round(toX(x))} ${area.top - 8}l6 10h-12z"/>`,
          text(toX(x) + 10, area.top + 4, `${(y).toFixed(1)} s, far above`, 'class="faint"'),
        ]),
    ];
  });
  const legend = lines.flatMap((line, index) => {
    const [x, y] = [area.left + (index % 2) * 310, 42 + Math.floor(index / 2) * 18];
    const color = colors[index % colors.length] ?? "";
    return [`<circle cx="${x}" cy="${y - 4}" r="5" fill="${color}"/>`, text(x + 12, y, line.title)];
  });
  return svg(720, 424, title, [
    text(12, 20, title, 'font-weight="600"'),
    ...legend,
    ...grid,
    ...axis,
    ...marks,
    text(area.left + area.width / 2, 414, "agents", 'text-anchor="middle" class="faint"'),
  ]);
}

/** The phases of one start, a bar each on a common scale of seconds. */
export function timelinePicture(title: string, phases: readonly Phase[]): string {
  const end = Math.max(...phases.map(({ to }) => to), 1);
  const [left, width, row] = [84, 540, 24];
  const toX = (time: number) => left + (time / end) * width;
  const bottom = 44 + phases.length * row;
  const step = stepOf(end / 1000);
  const ticks = Array.from(
    { length: Math.floor(end / 1000 / step) + 1 },
    (_, index) => index * step,
  );
  return svg(720, bottom + 34, title, [
    text(12, 20, title, 'font-weight="600"'),
    ...ticks.flatMap((tick) => [
      `<line class="grid" x1="${round(toX(tick * 1000))}" x2="${round(toX(tick * 1000))}" y1="36" y2="${bottom}"/>`,
      text(toX(tick * 1000), bottom + 18, `${round(tick)} s`, 'text-anchor="middle" class="faint"'),
    ]),
    ...phases.flatMap(({ name, from, to }, index) => {
      const y = 40 + index * row;
      const length = Math.max(toX(to) - toX(from), 2);
      const label = `${((to - from) / 1000).toFixed(2)} s`;
      return [
        text(left - 10, y + 13, name, 'text-anchor="end"'),
        `<rect x="${round(toX(from))}" y="${y}" width="${round(length)}" height="16" rx="3" fill="${colors[0]}"/>`,
        text(toX(from) + length + 6, y + 13, label, 'class="faint"'),
      ];
    }),
  ]);
}
