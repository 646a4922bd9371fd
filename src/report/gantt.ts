/** Drawings of what happened when. */

/** One thing that took from one time to another, in milliseconds since the drawing's start. */
export interface Bar {
  /** Begins with a word of ours, not with a name. */
  readonly label: string;
  readonly from: number;
  readonly to: number;
  /** Whether something is wrong meanwhile. */
  readonly isBad: boolean;
}

export interface Section {
  readonly name: string;
  readonly bars: readonly Bar[];
}

/** Pixels of a character in a section's name, and of the space beside it. Mermaid's own space is 75. */
const [characterWidth, nameSpace] = [7, 25];

/**
 * A Mermaid Gantt chart with a section for each of these. GitHub draws such charts on light and on
 * dark pages. Of Mermaid's colors of bars, only the usual one and the one of `crit` can be read on both.
 *
 * Of names only characters are left that mean nothing to Mermaid. Its keywords do at the beginning of a
 * line, and a datacenter may be called `gantt` or `section`.
 */
export function ganttOf(sections: readonly Section[]): string[] {
  const named = sections.map(({ name, bars }) => ({ name: plainText(name), bars }));
  const longest = Math.max(0, ...named.map(({ name }) => name.length));
  const leftPadding = Math.max(75, longest * characterWidth + nameSpace);
  const total = Math.max(0, ...sections.flatMap(({ bars }) => bars.map(({ to }) => to)));
  return [
    "```mermaid",
    `%%{init: ${JSON.stringify({ gantt: { leftPadding } })}}%%`,
    "gantt",
    // Milliseconds since 1970: the drawing begins in its first second.
    "dateFormat x",
    `axisFormat ${axisFormat(total)}`,
    "todayMarker off",
    ...named.flatMap(({ name, bars }) => [`section ${name}`, ...bars.map(barLine)]),
    "```",
  ];
}

/** Up to 7 s, d3 puts marks at half seconds (d3-time, `ticks`). @param total - milliseconds */
function axisFormat(total: number): string {
  if (total < 7000) return "%-S.%L s";
  return total < 60_000 ? "%-S s" : "%-M:%S min";
}

function barLine({ label, from, to, isBad }: Bar): string {
  const [start, end] = [Math.round(from), Math.round(Math.max(to, from + 1))];
  return `${plainText(label)} :${isBad ? "crit, " : ""}${start}, ${end}`;
}

/** Without the characters that end a name in a Gantt chart, begin a comment, or are markup. */
const plainText = (text: string) => text.replaceAll(/[^\w .,()/+-]/g, " ").trim();
