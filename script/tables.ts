/**
 * npm run tables: writes the tables of inputs and outputs in README and docs, from every action.yml, and the
 * table of examples/README.md that says where each example runs.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { readAction } from "./action.ts";
import { takesNothing } from "./command-line.ts";
import { examples, type Mark } from "./examples/list.ts";
import { withPart } from "./page.ts";
import { root } from "./runner.ts";

/** The page that has the inputs and outputs of each action, by the action's folder. */
export const pageOfAction = {
  ".": "README.md",
  fault: "docs/faults.md",
  upgrade: "docs/upgrades.md",
  scale: "docs/scale.md",
  wait: "docs/wait.md",
  logs: "docs/logs.md",
  remove: "docs/remove.md",
} as const satisfies Record<string, string>;

/** The markers around a generated table. */
const markers = (what: "inputs" | "outputs") =>
  [`<!-- ${what}: npm run tables -->`, `<!-- /${what} -->`] as const;

/** Each page with the text that it is to have. */
export function tablePages(): readonly { readonly file: string; readonly text: () => string }[] {
  const ofActions = Object.entries(pageOfAction).map(([folder, page]) => {
    const file = join(root, page);
    return { file, text: () => pageText(folder, page, readFileSync(file, "utf8")) };
  });
  const file = join(root, "examples/README.md");
  return [...ofActions, { file, text: () => examplesText(readFileSync(file, "utf8")) }];
}

const exampleMarkers = ["<!-- runs: npm run tables -->", "<!-- /runs -->"] as const;

function examplesText(text: string): string {
  const rows = Array.from(examples, ([file, mark]) => [`[${file}](${file})`, ...runsOf(mark)]);
  const heads = ["workflow", "runs in", "last run by hand, or why not"];
  return withPart(text, exampleMarkers, table(heads, rows));
}

function runsOf(mark: Mark): readonly [where: string, last: string] {
  switch (mark.runs) {
    case "npm test":
      return ["`npm test`", "with every change"];
    case "nowhere":
      return ["", `not: ${mark.why}`];
    case "npm run examples": {
      const { last } = mark;
      const where = "CI, `npm run examples`";
      if ("never" in last) return [where, `not: ${last.never}`];
      return [where, `${last.on}, ${last.with}${last.but ? ` (${last.but})` : ""}`];
    }
  }
}

function pageText(folder: string, page: string, text: string): string {
  const { inputs, outputs } = readAction(join(root, folder));
  const inputRows = Object.entries(inputs).map(
    ([name, { description, default: standard = "" }]) => [
      `\`${name}\``,
      standard === "" ? "" : `\`${standard}\``,
      described(description, page),
    ],
  );
  const outputRows = Object.entries(outputs).map(([name, { description }]) => [
    `\`${name}\``,
    described(description, page),
  ]);
  const withInputs = withPart(
    text,
    markers("inputs"),
    table(["input", "default", "meaning"], inputRows),
  );
  return withPart(withInputs, markers("outputs"), table(["output", "meaning"], outputRows));
}

/** @returns the table with empty lines around it, or a line that says that there are none */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return `\n\nThere are no ${heads[0]}s.\n\n`;
  const lines = [heads, heads.map(() => "---"), ...rows].map((cells) =>
    `| ${cells.join(" | ")} |`.replaceAll("|  |", "| |"),
  );
  return `\n\n${lines.join("\n")}\n\n`;
}

/**
 * A description as a cell of a table.
 *
 * @param page - where the table is: what names a page of the docs becomes a link from there
 */
export function described(description: string, page: string): string {
  return description
    .replaceAll("|", "\\|")
    .replaceAll(/docs\/[\w-]+\.md(?:#[\w-]+)?/g, (target) => {
      const [path = ""] = target.split("#");
      return `[${path}](${posix.relative(posix.dirname(page), target)})`;
    });
}

if (import.meta.main) {
  takesNothing(
    "npm run tables",
    "writes the tables of inputs and outputs, from every action.yml, and that of the examples",
  );
  for (const { file, text } of tablePages()) writeFileSync(file, text());
}
