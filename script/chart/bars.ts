/** The timeline of one start: a bar for each phase, on one scale of seconds. */
import { element, gridLine, seriesClass, svg, text, ticks } from "./svg.ts";

/** Start and end in seconds since the start of the step. */
export interface Bar {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

const [left, width, top, row] = [88, 524, 44, 24];

export function barChart(title: string, bars: readonly Bar[]): string {
  const end = Math.max(...bars.map(({ to }) => to), 1);
  const x = (time: number) => left + (time / end) * width;
  const bottom = top + bars.length * row;
  return svg({
    id: "timeline",
    width: 720,
    height: bottom + 34,
    title,
    description: bars.map(inWords).join(" "),
    elements: [
      ...ticks(end).flatMap(({ at, label }) => [
        gridLine(x(at), top - 4, x(at), bottom),
        text(x(at), bottom + 18, `${label} s`, { "text-anchor": "middle", class: "note" }),
      ]),
      ...bars.flatMap((bar, index) => {
        const y = top + index * row;
        const length = Math.max(x(bar.to) - x(bar.from), 2);
        const place = { x: x(bar.from), y, width: length, height: 16 };
        return [
          text(left - 10, y + 13, bar.name, { "text-anchor": "end" }),
          element("rect", { class: `${seriesClass(0)} bar`, ...place, rx: 2 }),
          text(x(bar.from) + length + 8, y + 13, lengthOf(bar), { class: "note" }),
        ];
      }),
    ],
  });
}

function inWords(bar: Bar): string {
  return `${bar.name}: ${lengthOf(bar)}, starting at ${bar.from.toFixed(2)} s.`;
}

/** A duration that rounds to 0 is still shown as one. */
function lengthOf({ from, to }: Bar): string {
  const seconds = (to - from).toFixed(2);
  return seconds === "0.00" ? "under 0.01 s" : `${seconds} s`;
}
