import { type Quote, withQuotes } from "../errors.ts";

/**
 * The runner cuts what is longer, in the annotation and in the log, by UTF-16 code units as JavaScript
 * counts them (`_maxIssueMessageLength` in actions/runner, src/Runner.Worker/ExecutionContext.cs).
 */
export const maxAnnotation = 4096;

/** A quoted line that is longer is cut if the whole text is too long. */
const maxLine = 400;

const inLog = "the log of this step has all of it";

/**
 * The text of an annotation, short enough for the runner. If it is too long, first quotes are cut,
 * from the front, the longest one first: logs end with what matters. Then the explanation is cut in
 * its middle: it begins with the cause and ends with the advice.
 */
export function annotationText(explanation: string, quotes: readonly Quote[]): string {
  const whole = withQuotes(explanation, quotes);
  if (whole.length <= maxAnnotation) return whole;
  const parts = quotes.map(({ heading, lines }) => partOf(heading, lines.map(shortLine)));
  let excess = withQuotes(explanation, parts.map(shown)).length - maxAnnotation;
  while (excess > 0) {
    const [longest] = parts.toSorted((a, b) => b.size - a.size);
    if (longest === undefined || longest.size === 0)
      return withoutMiddle(`${explanation}\n… (${inLog})`);
    excess -= cutFirst(longest);
  }
  return withQuotes(explanation, parts.map(shown));
}

/** A quote of which the first lines may be cut. */
interface Part extends Quote {
  cut: number;
  /** Characters of the lines that are left. */
  size: number;
}

const partOf = (heading: string, lines: readonly string[]): Part => {
  return { heading, lines, cut: 0, size: lines.reduce((sum, line) => sum + sizeOf(line), 0) };
};

/** With its indent and line feed. */
const sizeOf = (line: string) => line.length + 3;

/** @returns by how much the text gets shorter */
function cutFirst(part: Part): number {
  const size = sizeOf(part.lines[part.cut] ?? "");
  const markBefore = markOf(part).map(sizeOf)[0] ?? 0;
  part.cut += 1;
  part.size -= size;
  const markAfter = markOf(part).map(sizeOf)[0] ?? 0;
  return size + markBefore - markAfter;
}

const shown = (part: Part): Quote => {
  return { heading: part.heading, lines: [...markOf(part), ...part.lines.slice(part.cut)] };
};

const markOf = ({ cut }: Part) => (cut > 0 ? [`… (${cut} lines cut; ${inLog})`] : []);

function shortLine(line: string): string {
  if (line.length <= maxLine) return line;
  const start = line.slice(0, maxLine).replace(halfAtEnd, "");
  return `${start}… (${line.length - start.length} characters cut; ${inLog})`;
}

function withoutMiddle(text: string): string {
  if (text.length <= maxAnnotation) return text;
  const mark = `\n… (cut; ${inLog}) …\n`;
  const half = Math.floor((maxAnnotation - mark.length) / 2);
  return (
    text.slice(0, half).replace(halfAtEnd, "") + mark + text.slice(-half).replace(halfAtStart, "")
  );
}

/** Half of a character that has two code units. */
const halfAtEnd = /[\uD800-\uDBFF]$/;
const halfAtStart = /^[\uDC00-\uDFFF]/;
