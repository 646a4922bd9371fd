/** The messages that docs/troubleshooting.md quotes must be messages of the code. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../runner.ts";

const page = "docs/troubleshooting.md";

/** @returns the messages that no file of src has, one line each */
export function checkMessages(): string[] {
  const sources = globSync("src/**/*.ts", { cwd: root }).map((file) =>
    readFileSync(join(root, file), "utf8"),
  );
  return strangeMessages(readFileSync(join(root, page), "utf8"), sources);
}

/**
 * @param text - a page with tables whose first column is headed `message`: each code span in that column
 *   quotes a message, with `…` for what differs
 * @param sources - the code
 */
export function strangeMessages(text: string, sources: readonly string[]): string[] {
  const plain = sources.map(plainText);
  return quotedMessages(text)
    .filter((message) => !plain.some((source) => hasInOrder(source, message.split("…"))))
    .map((message) => `${page} quotes "${message}", which no message of src has`);
}

/** Texts of the code as they are shown: joined over lines, and without the backslashes of templates. */
const plainText = (source: string) =>
  source.replaceAll(/["`]\s*\+\s*["`]/g, "").replaceAll("\\`", "`");

/** The first columns of the tables of messages, row by row. */
function quotedMessages(text: string): string[] {
  const tables = text.split(/\n{2,}/).filter((part) => part.startsWith("| message |"));
  const cells = tables.flatMap((table) =>
    table
      .split("\n")
      .slice(2)
      .map((row) => /^\| (.*?) \|/.exec(row)?.[1] ?? ""),
  );
  return cells.flatMap((cell) =>
    [...cell.matchAll(/(?<!`)(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)/g)].map(([, ticks, quoted = ""]) =>
      ticks === "``" ? quoted.trim() : quoted,
    ),
  );
}

/** Whether the parts are in the text one after another, with nothing but one expression between two. */
function hasInOrder(text: string, parts: readonly string[]): boolean {
  const escaped = parts.map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(escaped.join("\\s*[^\\n]{1,120}?\\s*")).test(text);
}
