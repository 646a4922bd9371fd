/** The timeline of one failover: a row for each event, with a mark at its time. */
import { element, gridLine, seriesClass, svg, text, ticks } from "./svg.ts";

export interface Event {
  readonly text: string;
  /** Seconds since the first event. */
  readonly at: number;
}

const [left, width, top, row] = [40, 640, 44, 36];

export function eventChart(title: string, events: readonly Event[]): string {
  const sorted = events.toSorted((a, b) => a.at - b.at);
  const end = Math.ceil(Math.max(...sorted.map(({ at }) => at), 1));
  const x = (at: number) => left + (at / end) * width;
  const bottom = top + sorted.length * row;
  return svg({
    id: "failover",
    width: 720,
    height: bottom + 34,
    title,
    description: sorted.map((event) => `${inWords(event)}.`).join(" "),
    elements: [
      ...ticks(end).flatMap(({ at, label }) => [
        gridLine(x(at), top - 4, x(at), bottom),
        text(x(at), bottom + 18, `${label} s`, { "text-anchor": "middle", class: "note" }),
      ]),
      ...sorted.flatMap((event, index) => {
        const y = top + 16 + index * row;
        // In the right half, the text goes to the left of its mark.
        const isLate = event.at > end / 2;
        const words = isLate
          ? text(x(event.at) - 14, y + 4, inWords(event), { "text-anchor": "end" })
          : text(x(event.at) + 14, y + 4, inWords(event));
        return [element("circle", { class: seriesClass(0), cx: x(event.at), cy: y, r: 5 }), words];
      }),
    ],
  });
}

const inWords = ({ text, at }: Event) => `${at.toFixed(1)} s: ${text}`;
