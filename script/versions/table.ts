/** What became of the cluster tests on several versions of Consul, as Markdown. Pure. */
import compare from "semver/functions/compare.js";
import type { FileReport } from "../vitest-report.ts";

/** The cluster tests on one version. */
export interface Run {
  /** As Consul itself reports it. */
  readonly version: string;
  /** When, as 2026-11-24. */
  readonly date: string;
  /** What became of the tests of each file (`outcome`), by the file's path below `__tests__/cluster`. */
  readonly files: Readonly<Record<string, string>>;
}

/** What became of a file's tests: `14`, `13, 1 failed`, `12, 2 need 1.5`. */
export function outcome({
  status,
  assertionResults: tests,
}: Pick<FileReport, "status" | "assertionResults">): string {
  const count = (wanted: string) => tests.filter((test) => test.status === wanted).length;
  const left = tests.filter((test) => test.status !== "passed" && test.status !== "failed");
  const needs = Map.groupBy(left, ({ meta }) => meta.needs);
  const failed = count("failed");
  return [
    `${count("passed")}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    // A file that can't be loaded, or that fails around its tests.
    ...(failed === 0 && status === "failed" ? ["failed"] : []),
    ...[...needs].map(([need, { length }]) => {
      if (need === undefined) return `${length} skipped`;
      return `${length} ${length === 1 ? "needs" : "need"} ${need}`;
    }),
  ].join(", ");
}

/** Whether a run's tests, and what is around them, have all passed. */
export const hasPassed = ({ files }: Run) =>
  Object.values(files).every((text) => !text.includes("failed"));

/** The runs of before with new ones in their place; of a version, files that were not run again stay. */
export function merged(old: readonly Run[], fresh: readonly Run[]): Run[] {
  const kept = old.filter(({ version }) => !fresh.some((run) => run.version === version));
  const again = fresh.map((run) => {
    const before = old.find(({ version }) => version === run.version);
    return { ...run, files: { ...before?.files, ...run.files } };
  });
  return [...kept, ...again].toSorted((a, b) => compare(a.version, b.version));
}

const head = "test file";

/** One row for each test file, one column for each version. */
export function tableOf(runs: readonly Run[]): string {
  const files = [...new Set(runs.flatMap((run) => Object.keys(run.files)))].sort();
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    row([head, ...runs.map(({ version, date }) => `${version} (${date})`)]),
    row([head, ...runs].map(() => "---")),
    ...files.map((file) => row([file, ...runs.map((run) => run.files[file] ?? "")])),
  ].join("\n");
}

/** The inverse of `tableOf`: the runs that a page has. None if it has no table. */
export function runsIn(text: string): Run[] {
  const cellsOf = (line: string) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  const [[, ...columns] = [], , ...rows] = lines.map(cellsOf);
  return columns.flatMap((column, index) => {
    const [, version, date] = /^(\S+) \((\S+)\)$/.exec(column) ?? [];
    if (version === undefined || date === undefined) return [];
    const cells = rows.map(([file = "", ...cells]) => [file, cells[index] ?? ""] as const);
    return [{ version, date, files: Object.fromEntries(cells.filter(([, cell]) => cell !== "")) }];
  });
}
