import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sourceFile } from "../../../script/architecture/source.ts";
import { root } from "../../../script/runner.ts";

type Texts = Readonly<Record<string, string>>;

/** TypeScript files under a folder, by their paths from the root. */
function textsIn(folder: string): Texts {
  const paths = globSync(`${folder}/**/*.ts`, { cwd: root }).sort();
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

/** Every chain of imports that leads from a file under one folder to a file under another. */
function chains(texts: Texts, from: string, to: string): string[] {
  const seen = new Set<string>();
  const follow = (path: string, chain: readonly string[]): string[] => {
    if (path.startsWith(to)) return [[...chain, path].join(" > ")];
    if (seen.has(path)) return [];
    seen.add(path);
    return sourceFile(path, texts[path] ?? "").imports.flatMap((next) =>
      follow(next, [...chain, path]),
    );
  };
  return Object.keys(texts)
    .filter((path) => path.startsWith(from))
    .flatMap((path) => follow(path, []));
}

const all = { ...textsIn("__tests__"), ...textsIn("script"), ...textsIn("src") };

describe("imports of tests", () => {
  test.each([
    ["tests with real clusters run dist, so they import nothing from src", "cluster", "src/"],
    ["nor does what they share", "support", "src/"],
    ["unit tests start no clusters, so they don't import what starts them", "unit", "support/"],
  ])("%s", (_, from, to) => {
    const target = to === "src/" ? to : `__tests__/${to}`;
    expect(Object.keys(all).some((path) => path.startsWith(`__tests__/${from}/`))).toBe(true);
    expect(chains(all, `__tests__/${from}/`, target)).toEqual([]);
  });

  test.each(globSync("__tests__/engine/*.test.ts", { cwd: root }))(
    "%s imports from src: otherwise it belongs among the tests of dist",
    (path) => {
      expect(sourceFile(path, all[path] ?? "").imports.join()).toContain("src/");
    },
  );

  test("no import of a test is computed, so that all are seen here", () => {
    const dynamic = Object.entries(textsIn("__tests__")).filter(([, text]) =>
      /\bimport\((?!\s*(\/\*.*?\*\/\s*)?")|\brequire\(/.test(text),
    );
    expect(dynamic.map(([path]) => path)).toEqual([]);
  });

  test("an import is found through other files as well", () => {
    const texts = {
      "__tests__/cluster/a.test.ts": 'import { b } from "../support/b.ts";\n',
      "__tests__/support/b.ts": 'import { c } from "../../script/c.ts";\n',
      "script/c.ts": 'import type { D } from "../src/d.ts";\n',
    };
    expect(chains(texts, "__tests__/cluster/", "src/")).toEqual([
      "__tests__/cluster/a.test.ts > __tests__/support/b.ts > script/c.ts > src/d.ts",
    ]);
  });
});

test("no folder of tests has one file", () => {
  const folders = Object.groupBy(Object.keys(textsIn("__tests__")), (path) =>
    path.replace(/\/[^/]*$/, ""),
  );
  // A unit test's folder mirrors src, so it may have one.
  const alone = Object.entries(folders).filter(([, files = []]) => files.length === 1);
  expect(alone.map(([folder]) => folder).filter((folder) => !folder.includes("/unit/"))).toEqual(
    [],
  );
});
