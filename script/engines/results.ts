/** What test files did on other engines: reading vitest's report, and the table of the docs. */
import * as z from "zod";
import { reportSchema } from "../vitest-report.ts";

/** Tests of one file: how many passed, and the names of those that did not. */
const fileSchema = z.object({ passed: z.number(), failed: z.array(z.string()).readonly() });
const engineSchema = z.object({
  /** The engine and CLI as they name themselves. */
  versions: z.string(),
  consul: z.string(),
  /** Of the last run: `2026-11-24`. */
  date: z.string(),
  /** By the file's name, without folder and ending: `fault/steps`. */
  files: z.record(z.string(), fileSchema),
});
/** Everything that is known, by the engine's name: `podman of trixie`. */
export const resultsSchema = z.record(z.string(), engineSchema);

export type FileResult = z.output<typeof fileSchema>;
export type EngineResults = z.output<typeof engineSchema>;
export type Results = z.output<typeof resultsSchema>;

/**
 * Pure.
 *
 * @param report - of vitest's reporter `json`
 * @returns results by file. Tests that did not run are left out
 */
export function readReport(report: unknown): Record<string, FileResult> {
  const files = reportSchema
    .parse(report)
    .testResults.map(({ name, message, assertionResults }) => {
      const of = (status: string) =>
        assertionResults.filter((each) => each.status === status).map(({ fullName }) => fullName);
      // A hook that fails belongs to no test.
      const broken = message === "" ? [] : [firstLine(message)];
      const file = name.replace(/^.*__tests__\/cluster\/|\.test\.ts$/g, "");
      return [file, { passed: of("passed").length, failed: [...of("failed"), ...broken] }] as const;
    });
  return Object.fromEntries(files);
}

/** Names that an engine made up differ in each run. */
const firstLine = (text: string) =>
  (text.trim().split("\n", 1)[0] ?? "").replaceAll(/\b[0-9a-f]{64}\b/g, "…");

/** @returns the results with those of a run, which replace older ones of the same files */
export function withRun(results: Results, engine: string, run: EngineResults): Results {
  const files = { ...results[engine]?.files, ...run.files };
  return { ...results, [engine]: { ...run, files } };
}

/** Pure: the engines, the table file × engine, and what failed. */
export function resultsPage(results: Results): string {
  const engines = Object.entries(results);
  const files = [...new Set(engines.flatMap(([, { files }]) => Object.keys(files)))].sort();
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const cell = (result: FileResult | undefined) => {
    if (!result) return "not run";
    const all = result.passed + result.failed.length;
    return result.failed.length === 0 ? `all ${all}` : `${result.passed} of ${all}`;
  };
  return [
    row(["engine", "versions", "Consul", "date"]),
    row(["---", "---", "---", "---"]),
    ...engines.map(([name, { versions, consul, date }]) => row([name, versions, consul, date])),
    "",
    row(["tests that pass", ...engines.map(([name]) => name)]),
    row(["---", ...engines.map(() => "---")]),
    ...files.map((file) =>
      row([`\`${file}\``, ...engines.map(([, { files }]) => cell(files[file]))]),
    ),
    ...engines.flatMap(([name, { files }]) => failures(name, files)),
  ].join("\n");
}

function failures(engine: string, files: EngineResults["files"]): string[] {
  const failed = Object.entries(files).flatMap(([file, { failed }]) =>
    failed.map((test) => `- \`${file}\`: ${test}`),
  );
  return failed.length === 0 ? [] : ["", `Failed with ${engine}:`, "", ...failed];
}
