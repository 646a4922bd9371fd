/** Every action.yml against the code. The docs' tables are made from them: script/tables.ts. */
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
import { actionFolders, readAction } from "../action.ts";
import { root } from "../runner.ts";
import { pageOfAction } from "../tables.ts";

/** An action of this repository, and what must match its action.yml. */
interface Row {
  /** Where its action.yml lies, relative to the root. */
  readonly folder: string;
  /** Every input's default, in order. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly outputs: readonly string[];
}

const rows: readonly Row[] = [
  { folder: ".", defaults: inputDefaults, outputs: outputNames },
  { folder: "fault", defaults: faultInputDefaults, outputs: faultOutputNames },
  { folder: "upgrade", defaults: upgradeInputDefaults, outputs: upgradeOutputNames },
  { folder: "scale", defaults: scaleInputDefaults, outputs: scaleOutputNames },
  { folder: "logs", defaults: logsInputDefaults, outputs: logsOutputNames },
  { folder: "wait", defaults: waitInputDefaults, outputs: waitOutputNames },
  { folder: "remove", defaults: removeInputDefaults, outputs: removeOutputNames },
];

/** @returns what is wrong with the actions, one line each */
export function checkActions(): string[] {
  return [...missingRows(), ...rows.flatMap(checkAction)];
}

/** Finds actions that nothing would check, or that no page describes. */
function missingRows(): string[] {
  const listed = rows.map(({ folder }) => folder);
  return actionFolders().flatMap((folder) => [
    ...missing(folder, listed, "rows of script/check/actions.ts"),
    ...missing(folder, Object.keys(pageOfAction), "pages of script/tables.ts"),
  ]);
}

const missing = (folder: string, listed: readonly string[], where: string) =>
  listed.includes(folder) ? [] : [`${join(folder, "action.yml")} is not among the ${where}`];

/** Names with their defaults, in order. */
type Table = readonly (readonly [name: string, standard: string])[];

function compare(action: string, what: string, expected: Table, actual: Table): string[] {
  const names = (table: Table) => table.map(([name]) => name).join(", ");
  if (names(expected) !== names(actual))
    return [`${what}: has ${names(actual)}; ${action} has ${names(expected)}`];
  const found = new Map(actual);
  return expected
    .filter(([name, standard]) => found.get(name) !== standard)
    .map(([name, standard]) => {
      return `${what}: default of ${name} is "${found.get(name)}"; ${action} has "${standard}"`;
    });
}

function checkAction({ folder, defaults, outputs }: Row): string[] {
  const action = readAction(join(root, folder));
  const file = join(folder, "action.yml");
  // The runner fills in an expression: the schema sees nothing.
  const inputTable = Object.entries(action.inputs).map(
    ([name, { default: standard = "" }]) =>
      [name, standard.includes("${{") ? "" : standard] as const,
  );
  return [
    ...compare(file, "src, inputs", inputTable, Object.entries(defaults)),
    ...compare(file, "src, outputs", named(Object.keys(action.outputs)), named(outputs)),
  ];
}

const named = (names: readonly string[]): Table => names.map((name) => [name, ""]);
