/** Drawings of what happened when. */

/** How a bar is drawn: `active` and `done` are quiet, `crit` stands out. */
export type BarKind = "plain" | "active" | "done" | "crit";

/** One thing that took from one time to another, in milliseconds since the drawing's start. */
export interface Bar {
  readonly label: string;
  readonly from: number;
  readonly to: number;
  readonly kind: BarKind;
}

export interface Section {
  readonly name: string;
  readonly bars: readonly Bar[];
}

/** Milliseconds up to which the axis shows tenths of seconds. */
const shortest = 10_000;

/**
 * A Mermaid Gantt chart with a section for each of these. GitHub draws such charts on light and on
 * dark pages.
 *
 * Every line with a name in it begins with a word of ours, and of names only characters are left
 * that mean nothing to Mermaid: a datacenter may be called `end` or `section`.
 */
export function ganttOf(sections: readonly Section[]): string[] {
  const bars = sections.flatMap((section) => section.bars);
  const total = Math.max(...bars.map(({ to }) => to), 1);
  return [
    "```mermaid",
    "gantt",
    // Milliseconds since 1970: the drawing begins in its first second.
    "dateFormat x",
    `axisFormat ${total < shortest ? "%S.%L s" : "%M:%S"}`,
    "todayMarker off",
    ...sections.flatMap(({ name, bars }) => [`section ${plainText(name)}`, ...bars.map(barLine)]),
    "```",
  ];
}

function barLine({ label, from, to, kind }: Bar): string {
  const [start, end] = [Math.round(from), Math.round(Math.max(to, from + 1))];
  const mark = kind === "plain" ? "" : `${kind}, `;
  return `${plainText(label)} :${mark}${start}, ${end}`;
}

/** Without the characters that end a name in a Gantt chart, begin a comment, or are markup. */
const plainText = (text: string) => text.replaceAll(/[^\p{L}\p{N} .,()/_+-]/gu, " ").trim();
