/** The licenses of what the bundle is made of. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { root } from "../runner.ts";

/** Licenses that ask for nothing but their own text, which dist/licenses.txt has. SPDX's names. */
const permissive: readonly string[] = [
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
  "MIT-0",
  "Unlicense",
];

const lockSchema = z.object({ packages: z.record(z.string(), z.unknown()) });

/** @returns what is wrong with the licenses, one line each */
export function checkLicenses(): string[] {
  const read = (file: string) => readFileSync(join(root, file), "utf8");
  const { packages } = lockSchema.parse(JSON.parse(read("package-lock.json")));
  const paths = Object.keys(packages).filter((path) => path !== "");
  const names = paths.map((path) => path.replace(/^.*node_modules\//, ""));
  return licenseProblems(read("dist/licenses.txt"), names, importedPackages());
}

/** Packages that src imports. Types alone leave nothing in the bundle. */
function importedPackages(): string[] {
  const files = globSync("src/**/*.ts", { cwd: root });
  const found = files.flatMap((file) => [
    ...readFileSync(join(root, file), "utf8").matchAll(
      /^(?:import (?!type\b).*|\}) from "((?:@[\w-]+\/)?[\w-]+)[^":]*";$/gm,
    ),
  ]);
  return [...new Set(found.map(([, name = ""]) => name))].sort();
}

/**
 * @param text - dist/licenses.txt, in which each package has its name, its license, and the text of
 *   the license, line by line
 * @param names - of all packages that are installed
 * @param direct - of those that it has for sure
 */
export function licenseProblems(
  text: string,
  names: readonly string[],
  direct: readonly string[],
): string[] {
  const licenses = bundled(text, names);
  return [
    ...direct
      .filter((name) => !licenses.has(name))
      .map((name) => `dist/licenses.txt does not have ${name}, which src imports`),
    ...[...licenses]
      .filter(([, license]) => !permissive.includes(license))
      .map(
        ([name, license]) =>
          `${name} is in the bundle, and its license is ${license}: only ${permissive.join(", ")} may be`,
      ),
  ];
}

/** Each package of the bundle with its license. */
function bundled(text: string, names: readonly string[]): ReadonlyMap<string, string> {
  const lines = text.split("\n");
  const found = lines.flatMap((line, index) => {
    const startsSection = index === 0 || lines[index - 1] === "";
    return startsSection && names.includes(line) ? [[line, lines[index + 1] ?? ""] as const] : [];
  });
  return new Map(found);
}
