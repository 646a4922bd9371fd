/** npm run architecture: draws the picture and the table of docs/architecture.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { importable, type Room, rooms } from "./architecture/rooms.ts";
import { withPart } from "./page.ts";
import { root } from "./runner.ts";

export const architectureFile = join(root, "docs/architecture.md");

/** The markers around the generated part. */
const markers = ["<!-- rooms: npm run architecture -->", "<!-- /rooms -->"] as const;

/** @returns the file as it is to be */
export function architectureText(): string {
  const text = readFileSync(architectureFile, "utf8");
  return withPart(text, markers, `\n\n${picture()}\n\n${table()}\n\n`);
}

function picture(): string {
  // A dot may not be part of an id everywhere.
  const idOf = (name: string) => name.replace(".ts", "");
  const boxes = rooms.map(({ name }) => `  ${idOf(name)}["${pathOf(name)}"]`);
  const arrows = rooms.flatMap(({ name, below }) =>
    below.map((each) => `  ${idOf(name)} --> ${idOf(each)}`),
  );
  return ["```mermaid", "flowchart TB", ...boxes, ...arrows, "```"].join("\n");
}

function table(): string {
  const rows = rooms.map((room) => `| ${shown(room.name)} | ${room.holds} | ${allowed(room)} |`);
  return ["| folder | what it holds | may import |", "| --- | --- | --- |", ...rows].join("\n");
}

/** What a room may import, said by exception if there are few. */
function allowed({ name }: Room): string {
  const lower = rooms.slice(rooms.findIndex((room) => room.name === name) + 1);
  const may = importable(name);
  const not = lower.map((room) => room.name).filter((each) => !may.includes(each));
  if (may.length === 0) return "nothing";
  if (may.length <= 2) return listed(may);
  return `everything below${not.length > 0 ? ` except ${listed(not)}` : ""}`;
}

const listed = (names: readonly string[]) => names.map(shown).join(", ");
const shown = (name: string) => `\`${pathOf(name)}\``;
const pathOf = (name: string) => (name.endsWith(".ts") ? name : `${name}/`);

if (import.meta.main) writeFileSync(architectureFile, architectureText());
