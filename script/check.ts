/**
 * Part of npm run check: compares what must agree. dist is what src builds to; action.yml, the
 * schema of inputs, and README match, and its description is short enough for the marketplace; schema/cluster.json is what the code checks
 * cluster files with; docs/architecture.md draws the rooms as they are; docs/versions.md lists
 * what differs between versions; the workflows are YAML.
 */
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { messageOf } from "../src/errors.ts";
import { faultInputDefaults } from "../src/fault/fault-inputs.ts";
import { faultOutputNames } from "../src/fault/report-fault.ts";
import { inputDefaults } from "../src/inputs/input-definitions.ts";
import { logsOutputNames } from "../src/logs/logs.ts";
import { logsInputDefaults } from "../src/logs/logs-inputs.ts";
import { removeOutputNames } from "../src/remove/remove.ts";
import { removeInputDefaults } from "../src/remove/remove-inputs.ts";
import { outputNames } from "../src/report/report.ts";
import { upgradeOutputNames } from "../src/upgrade/upgrade.ts";
import { upgradeInputDefaults } from "../src/upgrade/upgrade-inputs.ts";
import { waitOutputNames } from "../src/wait/wait.ts";
import { waitInputDefaults } from "../src/wait/wait-inputs.ts";
import { readAction } from "./action.ts";
import { architectureFile, architectureText } from "./architecture.ts";
import { build } from "./build.ts";
import { takesNothing } from "./command-line.ts";
import { versionsFile, versionsText } from "./differences.ts";
import { root } from "./runner.ts";
import { schemaFile, schemaText } from "./schema.ts";

/** What is wrong, one line each. */
type Problems = string[];

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
  { folder: "logs", defaults: logsInputDefaults, outputs: logsOutputNames, docs: "docs/logs.md" },
  { folder: "wait", defaults: waitInputDefaults, outputs: waitOutputNames, docs: "docs/wait.md" },
  {
    folder: "remove",
    defaults: removeInputDefaults,
    outputs: removeOutputNames,
    docs: "docs/remove.md",
  },
];

function checkDist(): Problems {
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

/** Names with their defaults, in order; undefined if any default is accepted. */
type Table = readonly (readonly [name: string, standard: string | undefined])[];

function compare(action: string, what: string, expected: Table, actual: Table): Problems {
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

function checkAction({ folder, defaults, outputs, docs }: Row): Problems {
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
    ...checkDescription(file, action.description),
    ...compare(file, "src, inputs", forSchema, Object.entries(defaults)),
    ...compare(file, "src, outputs", outputTable, named(outputs)),
    ...checkDocs(file, docs, forDocs, outputTable),
  ];
}

/** The marketplace's form for publishing: "Description must be less than 125 characters." */
const descriptionLimit = 125;

function checkDescription(file: string, { length }: string): Problems {
  if (length < descriptionLimit) return [];
  return [`${file}: description has ${length} characters, not less than ${descriptionLimit}`];
}

function checkDocs(action: string, docs: string, inputs: Table, outputs: Table): Problems {
  const path = join(root, docs);
  if (!existsSync(path)) return [`${docs} is missing`];
  const text = readFileSync(path, "utf8");
  const documented = tableUnder("Outputs", text).map(([name]) => name);
  return [
    ...compare(action, `${docs}, Inputs`, inputs, tableUnder("Inputs", text)),
    ...compare(action, `${docs}, Outputs`, outputs, named(documented)),
  ];
}

/** Finds actions without a row, which nothing would check. */
function checkRows(): Problems {
  const listed = rows.map(({ folder }) => join(folder, "action.yml"));
  return globSync("{*/,}action.yml", { cwd: root })
    .filter((file) => !listed.includes(file))
    .map((file) => `${file} is not among the rows of script/check.ts`);
}

const named = (names: readonly string[]): Table => names.map((name) => [name, undefined]);

/** Rows ``| `name` | `default` | … |`` of the section with that heading. */
function tableUnder(heading: string, markdown: string): Table {
  const [, ...after] = markdown.split(new RegExp(`^## ${heading}$`, "m"));
  const section = after.join("").split(/^## /m)[0] ?? "";
  const rows = section.matchAll(/^\| `([^`]+)` \|([^|]*)\|/gm);
  return [...rows].map(([, name = "", cell = ""]) => [name, cell.trim().replaceAll("`", "")]);
}

function checkWorkflows(): Problems {
  return globSync(join(root, ".github/workflows/*.{yml,yaml}")).flatMap((file) => {
    try {
      parse(readFileSync(file, "utf8"));
      return [];
    } catch (error) {
      return [`${file.slice(root.length + 1)} is not YAML: ${messageOf(error).split("\n")[0]}`];
    }
  });
}

function checkClusterSchema(): Problems {
  const isCurrent = existsSync(schemaFile) && readFileSync(schemaFile, "utf8") === schemaText();
  return isCurrent ? [] : ["schema/cluster.json is outdated: run npm run schema"];
}

/** Relative links, and links to headings of the same page. */
function checkLinks(): Problems {
  return globSync("{,docs/}*.md", { cwd: root }).flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    const isDead = (link: string) =>
      link.startsWith("#")
        ? !headings.includes(link.slice(1))
        : !/^\w+:/.test(link) && !existsSync(join(root, file, "..", link.replace(/#.*/, "")));
    return links.filter(isDead).map((link) => `${file}: dead link ${link}`);
  });
}

/** Compilers find these in code, and nothing else does in documents. */
function checkConflictMarkers(): Problems {
  return globSync("{,docs/}*.md", { cwd: root })
    .filter((file) => /^(<{7}|>{7}) /m.test(readFileSync(join(root, file), "utf8")))
    .map((file) => `${file}: a conflict marker of git was left in it`);
}

/** As GitHub makes it from a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");

function checkArchitecture(): Problems {
  const isCurrent = readFileSync(architectureFile, "utf8") === architectureText();
  return isCurrent ? [] : ["docs/architecture.md is outdated: run npm run architecture"];
}

function checkVersions(): Problems {
  const isCurrent = readFileSync(versionsFile, "utf8") === versionsText();
  return isCurrent ? [] : ["docs/versions.md is outdated: run npm run differences"];
}

takesNothing("npm run check", "checks types, style, and that dist and docs agree with the code");
const problems = [
  checkDist(),
  checkRows(),
  rows.flatMap(checkAction),
  checkClusterSchema(),
  checkArchitecture(),
  checkVersions(),
  checkLinks(),
  checkConflictMarkers(),
  checkWorkflows(),
].flat();
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
