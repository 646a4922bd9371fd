/** npm run differences: draws the table of docs/versions.md from src/consul/versions.ts. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Difference, differences } from "../src/consul/versions.ts";
import { takesNothing } from "./command-line.ts";
import { withPart } from "./page.ts";
import { root } from "./runner.ts";

export const versionsFile = join(root, "docs/versions.md");

const markers = ["<!-- differences: npm run differences -->", "<!-- /differences -->"] as const;

/** @returns the file as it is to be */
export function versionsText(): string {
  const rows: readonly Difference[] = Object.values(differences);
  const lines = rows.map(({ from, what, source }) => `| ${from} | ${what} | ${source} |`);
  const table = ["| from | what differs | source |", "| --- | --- | --- |", ...lines].join("\n");
  return withPart(readFileSync(versionsFile, "utf8"), markers, `\n\n${table}\n\n`);
}

if (import.meta.main) {
  takesNothing("npm run differences", "draws the table of what differs in docs/versions.md");
  writeFileSync(versionsFile, versionsText());
}
