import { ActionError, messageOf } from "../errors.ts";
import type { Seen } from "./evidence.ts";
import { lastSeenTable } from "./last-seen.ts";
import { textBox } from "./markdown.ts";
import { redact } from "./redact.ts";

/** Lines of a message that the summary has: its cause is at the beginning, its advice not far. */
const maxLines = 60;
/** Characters of a line. GitHub does not break the lines of a box. */
const width = 100;

/**
 * Why a step failed, and what was last seen of each node, in Markdown.
 *
 * @param error - what the step ended with
 * @param seen - what was found when it had failed
 */
export function failureLines(error: unknown, { nodes, secrets }: Seen): string[] {
  const lines = redact(messageOf(error), secrets).split("\n").flatMap(broken);
  const hidden = lines.length - maxLines;
  const shown = hidden > 1 ? [...lines.slice(0, maxLines), `… (${hidden} more lines)`] : lines;
  return [
    ...textBox(shown),
    "",
    ...(nodes.length > 0
      ? ["What was last seen of each node:", "", ...lastSeenTable(nodes), ""]
      : []),
  ];
}

/** A line as several that fit; those of a quote stay indented. A word that does not fit stays whole. */
function broken(line: string): string[] {
  const indent = /^ */.exec(line)?.[0] ?? "";
  const lines: string[] = [];
  let current = indent;
  for (const word of line.trim().split(/ +/)) {
    const longer = current === indent ? `${indent}${word}` : `${current} ${word}`;
    if (longer.length > width && current !== indent) {
      lines.push(current);
      current = `${indent}${word}`;
    } else current = longer;
  }
  return [...lines, current];
}

/** A few words for what a step failed with. */
export const failureTitle = (error: unknown): string =>
  error instanceof ActionError ? error.title : "Bug in this action";

/** The job summary of a start that failed, in Markdown. */
export const startFailureText = (error: unknown, seen: Seen): string =>
  [`### Consul did not start: ${failureTitle(error)}`, "", ...failureLines(error, seen)].join("\n");
