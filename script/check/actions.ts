/** Every action.yml against the code, the docs, and the marketplace's rules. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { faultInputDefaults } from "../../src/fault/fault-inputs.ts";
import { faultOutputNames } from "../../src/fault/report-fault.ts";
import { inputDefaults } from "../../src/inputs/input-definitions.ts";
import { logsOutputNames } from "../../src/logs/logs.ts";
import { logsInputDefaults } from "../../src/logs/logs-inputs.ts";
import { removeOutputNames } from "../../src/remove/remove.ts";
import { removeInputDefaults } from "../../src/remove/remove-inputs.ts";
import { outputNames } from "../../src/report/report.ts";
import { scaleOutputNames } from "../../src/scale/report-scale.ts";
import { scaleInputDefaults } from "../../src/scale/scale-inputs.ts";
import { upgradeOutputNames } from "../../src/upgrade/upgrade.ts";
import { upgradeInputDefaults } from "../../src/upgrade/upgrade-inputs.ts";
import { waitOutputNames } from "../../src/wait/wait.ts";
import { waitInputDefaults } from "../../src/wait/wait-inputs.ts";
import { readAction } from "../action.ts";
import { root } from "../runner.ts";

/** An action of this repository, and what must match its action.yml. */
interface Row {
  /** Where its action.yml lies, relative to the root. */
  readonly folder: string;
  /** Every input's default, in order. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly outputs: readonly string[];
  /** Its inputs and outputs as tables, below the headings Inputs and Outputs. */
  readonly docs: string;
}

const rows: readonly Row[] = [
  { folder: ".", defaults: inputDefaults, outputs: outputNames, docs: "README.md" },
  {
    folder: "fault",
    defaults: faultInputDefaults,
    outputs: faultOutputNames,
    docs: "docs/faults.md",
  },
  {
    folder: "upgrade",
    defaults: upgradeInputDefaults,
    outputs: upgradeOutputNames,
    docs: "docs/upgrades.md",
  },
  {
    folder: "scale",
    defaults: scaleInputDefaults,
    outputs: scaleOutputNames,
    docs: "docs/scale.md",
  },
  { folder: "logs", defaults: logsInputDefaults, outputs: logsOutputNames, docs: "docs/logs.md" },
  { folder: "wait", defaults: waitInputDefaults, outputs: waitOutputNames, docs: "docs/wait.md" },
  {
    folder: "remove",
    defaults: removeInputDefaults,
    outputs: removeOutputNames,
    docs: "docs/remove.md",
  },
];

/** Folders of this repository with an action.yml. Those that only show how to wrap it are not among them. */
export function actionFolders(): string[] {
  return globSync("{*/,}action.yml", { cwd: root })
    .map((file) => join(file, ".."))
    .sort();
}

/** @returns what is wrong with the actions, one line each */
export function checkActions(): string[] {
  return [...missingRows(), ...rows.flatMap(checkAction)];
}

/** Finds actions without a row, which nothing would check. */
function missingRows(): string[] {
  const listed = rows.map(({ folder }) => folder);
  return actionFolders()
    .filter((folder) => !listed.includes(folder))
    .map((folder) => `${join(folder, "action.yml")} is not among the rows of ${here}`);
}

const here = "script/check/actions.ts";

/** Names with their defaults, in order; undefined if any default is accepted. */
type Table = readonly (readonly [name: string, standard: string | undefined])[];

function compare(action: string, what: string, expected: Table, actual: Table): string[] {
  const names = (table: Table) => table.map(([name]) => name).join(", ");
  if (names(expected) !== names(actual))
    return [`${what}: has ${names(actual)}; ${action} has ${names(expected)}`];
  const found = new Map(actual);
  return expected
    .filter(([name, standard]) => standard !== undefined && found.get(name) !== standard)
    .map(([name, standard]) => {
      return `${what}: default of ${name} is "${found.get(name)}"; ${action} has "${standard}"`;
    });
}

function checkAction({ folder, defaults, outputs, docs }: Row): string[] {
  const action = readAction(join(root, folder));
  const file = join(folder, "action.yml");
  const inputTable = Object.entries(action.inputs).map(
    ([name, input]) => [name, input.default ?? ""] as const,
  );
  const outputTable = named(Object.keys(action.outputs));
  // The runner fills in an expression: the schema sees nothing, and docs say it in words.
  const isExpression = (standard: string) => standard.includes("${{");
  const forSchema = inputTable.map(
    ([name, value]) => [name, isExpression(value) ? "" : value] as const,
  );
  const forDocs = inputTable.map(
    ([name, value]) => [name, isExpression(value) ? undefined : value] as const,
  );
  return [
    ...compare(file, "src, inputs", forSchema, Object.entries(defaults)),
    ...compare(file, "src, outputs", outputTable, named(outputs)),
    ...checkDocs(file, docs, forDocs, outputTable),
  ];
}

function checkDocs(action: string, docs: string, inputs: Table, outputs: Table): string[] {
  const path = join(root, docs);
  if (!existsSync(path)) return [`${docs} is missing`];
  const text = readFileSync(path, "utf8");
  const documented = tableUnder("Outputs", text).map(([name]) => name);
  return [
    ...compare(action, `${docs}, Inputs`, inputs, tableUnder("Inputs", text)),
    ...compare(action, `${docs}, Outputs`, outputs, named(documented)),
  ];
}

const named = (names: readonly string[]): Table => names.map((name) => [name, undefined]);

/** Rows ``| `name` | `default` | … |`` of the section with that heading. */
function tableUnder(heading: string, markdown: string): Table {
  const [, ...after] = markdown.split(new RegExp(`^## ${heading}$`, "m"));
  const section = after.join("").split(/^## /m)[0] ?? "";
  const rows = section.matchAll(/^\| `([^`]+)` \|([^|]*)\|/gm);
  return [...rows].map(([, name = "", cell = ""]) => [name, cell.trim().replaceAll("`", "")]);
}
