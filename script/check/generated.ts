/** What is made by a script and committed must be what the script makes now. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { architectureFile, architectureText } from "../architecture.ts";
import { build } from "../build.ts";
import { versionsFile, versionsText } from "../differences.ts";
import { checkRepository } from "../repository.ts";
import { root } from "../runner.ts";
import { catalogFile, catalogText, schemaFile, schemaText } from "../schema.ts";
import { tablePages } from "../tables.ts";

/** A generated file: where it is, what it is to be, and what writes it. */
type Generated = readonly [file: string, text: () => string, script: string];

const generated: readonly Generated[] = [
  [schemaFile, schemaText, "schema"],
  [catalogFile, catalogText, "schema"],
  [architectureFile, architectureText, "architecture"],
  [versionsFile, versionsText, "differences"],
  ...tablePages().map(({ file, text }): Generated => [file, text, "tables"]),
];

/** @returns what is outdated, one line each */
export function checkGenerated(): string[] {
  const outdated = generated.filter(
    ([file, text]) => !existsSync(file) || readFileSync(file, "utf8") !== text(),
  );
  return [
    ...outdated.map(
      ([file, , script]) => `${file.slice(root.length + 1)} is outdated: run npm run ${script}`,
    ),
    ...checkRepository(),
    ...checkDist(),
  ];
}

function checkDist(): string[] {
  const fresh = mkdtempSync(join(tmpdir(), "dist-"));
  build(fresh);
  const dist = join(root, "dist");
  const names = new Set([fresh, dist].flatMap((folder) => readdirSync(folder)));
  const stale = [...names].filter((name) => !sameBytes(join(fresh, name), join(dist, name)));
  rmSync(fresh, { recursive: true });
  return stale.map((name) => `dist/${name} is outdated: run npm run build`);
}

function sameBytes(a: string, b: string): boolean {
  return existsSync(a) && existsSync(b) && readFileSync(a).equals(readFileSync(b));
}
