/**
 * Part of npm run check: what must agree does agree. dist is what src builds to; action.yml, the
 * schema of inputs and README tell the same story; the workflows are YAML.
 */
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { inputDefaults } from "../src/inputs.ts";
import { outputNames } from "../src/report.ts";
import { type Action, readAction } from "./action.ts";
import { build } from "./build.ts";
import { root } from "./runner.ts";

/** What is wrong, one line each. */
type Problems = string[];

function checkDist(): Problems {
  const fresh = mkdtempSync(join(tmpdir(), "dist-"));
  build(fresh);
  const dist = join(root, "dist");
  const names = new Set([fresh, dist].flatMap((folder) => readdirSync(folder)));
  const stale = [...names].filter((name) => !sameBytes(join(fresh, name), join(dist, name)));
  rmSync(fresh, { recursive: true });
  return stale.map((name) => `dist/${name} is not what src builds to: run npm run build`);
}

function sameBytes(a: string, b: string): boolean {
  return existsSync(a) && existsSync(b) && readFileSync(a).equals(readFileSync(b));
}

/** Names with their defaults, in order; undefined where any default is right. */
type Table = readonly (readonly [name: string, standard: string | undefined])[];

function compare(what: string, expected: Table, actual: Table): Problems {
  const names = (table: Table) => table.map(([name]) => name).join(", ");
  if (names(expected) !== names(actual))
    return [`${what}: has ${names(actual)}; action.yml has ${names(expected)}`];
  const told = new Map(actual);
  return expected
    .filter(([name, standard]) => standard !== undefined && told.get(name) !== standard)
    .map(([name, standard]) => {
      return `${what}: default of ${name} is "${told.get(name)}"; action.yml has "${standard}"`;
    });
}

function checkSchema(action: Action): Problems {
  // An expression is filled in by the runner; the schema only sees that there is nothing.
  const inputs = Object.entries(action.inputs).map(([name, { default: standard = "" }]) => {
    return [name, standard.includes("${{") ? "" : standard] as const;
  });
  return [
    ...compare("src/inputs.ts", inputs, Object.entries(inputDefaults)),
    ...compare("src/report.ts", named(Object.keys(action.outputs)), named(outputNames)),
  ];
}

function checkReadme(action: Action): Problems {
  const file = join(root, "README.md");
  if (!existsSync(file)) return ["README.md is missing"];
  const readme = readFileSync(file, "utf8");
  // README says in words what an expression stands for.
  const inputs = Object.entries(action.inputs).map(([name, { default: standard = "" }]) => {
    return [name, standard.includes("${{") ? undefined : standard] as const;
  });
  const outputs = tableUnder("Outputs", readme).map(([name]) => name);
  return [
    ...compare("README.md, Inputs", inputs, tableUnder("Inputs", readme)),
    ...compare("README.md, Outputs", named(Object.keys(action.outputs)), named(outputs)),
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

function checkWorkflows(): Problems {
  return globSync(join(root, ".github/workflows/*.{yml,yaml}")).flatMap((file) => {
    try {
      parse(readFileSync(file, "utf8"));
      return [];
    } catch (error) {
      return [`${file.slice(root.length + 1)} is not YAML: ${error}`];
    }
  });
}

const action = readAction(root);
const problems = [checkDist(), checkSchema(action), checkReadme(action), checkWorkflows()].flat();
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
