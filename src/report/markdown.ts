/** Parts of job summaries, in GitHub's Markdown. */

/** Characters of a name that a summary shows. */
const maxName = 60;

/**
 * A text as a code span, also in a cell of a table: nothing in it is read as Markdown or HTML, and
 * GitHub makes no link of an address. Those of a runner's loopback lead nowhere.
 */
export function codeSpan(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  if (line === "") return "";
  const characters = [...line];
  const shown =
    characters.length > maxName ? `${characters.slice(0, maxName - 1).join("")}…` : line;
  const fence = "`".repeat(longestRun(shown) + 1);
  const pad = shown.startsWith("`") || shown.endsWith("`") ? " " : "";
  return `${fence}${pad}${shown.replaceAll("|", "\\|")}${pad}${fence}`;
}

/** Lines as they are, in a box. Nothing in them is read as Markdown or HTML, or ends the box. */
export function textBox(lines: readonly string[]): string[] {
  const fence = "`".repeat(Math.max(3, longestRun(lines.join("\n")) + 1));
  return [`${fence}text`, ...lines, fence];
}

/** Length of the longest run of backticks. */
const longestRun = (text: string) =>
  Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));

/** A table: its header cells, where `left` or `right` aligns a column, and its rows. */
export function table(
  columns: readonly (readonly [name: string, align: "left" | "right"])[],
  rows: readonly (readonly string[])[],
): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(([name]) => name)),
    line(columns.map(([, align]) => (align === "right" ? "---:" : "---"))),
    ...rows.map(line),
  ];
}

/** A part of the summary that is shown on a click. */
export const folded = (title: string, lines: readonly string[]): string[] => [
  `<details><summary>${title}</summary>`,
  "",
  ...lines,
  "",
  "</details>",
];

/** The first of these texts, and how many others there are. */
export function firstOfMany(texts: readonly string[], most: number): string {
  const hidden = texts.length - most;
  // "and 1 more" takes as much space as the one.
  if (hidden <= 1) return texts.join(", ");
  return `${texts.slice(0, most).join(", ")}, and ${hidden} more`;
}
