import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { importable, type Room, rooms } from "../../../script/architecture/rooms.ts";
import { rules } from "../../../script/architecture/rules.ts";
import { readSource, type SourceFile, sourceFile } from "../../../script/architecture/source.ts";
import { root } from "../../../script/runner.ts";

const source = readSource(root);

test.each(Object.keys(rules))("src: %s", (name) => {
  expect(rules[name]?.(source, rooms)).toEqual([]);
});

test("every import of src leads to a file of src", () => {
  const paths = source.map(({ path }) => path);
  const missing = source.flatMap(({ imports }) => imports.filter((path) => !paths.includes(path)));
  expect(missing).toEqual([]);
});

test("no import of src escapes: a plain search for paths finds no more", () => {
  const paths = source.flatMap(({ path }) => {
    const text = readFileSync(join(root, "src", path), "utf8");
    return text.match(/"\.\.?\/[^"]*\.ts"/g) ?? [];
  });
  expect(source.flatMap(({ imports }) => imports)).toHaveLength(paths.length);
});

test("imports are seen on one line and on several, of types and of values, and passed on", () => {
  const text = `import { a } from "../x/a.ts";
import type { B } from "./b.ts";
import * as c from "./c.ts";
import {
  type D,
  e,
} from "../errors.ts";
import "./f.ts";
export { g } from "./g.ts";
import z from "zod";
const text = 'import { h } from "./h.ts"';
const i = async () => (await import(/* webpackMode: "eager" */ "../i/i.ts")).i();
`;
  expect(sourceFile("y/y.ts", text)).toEqual({
    path: "y/y.ts",
    lines: 12,
    imports: ["x/a.ts", "y/b.ts", "y/c.ts", "errors.ts", "y/f.ts", "y/g.ts", "i/i.ts"],
  });
});

test("a room may import what lies below those below it", () => {
  expect(importable("docker")).toEqual(["runner", "errors.ts"]);
  expect(importable("apply")).not.toContain("find");
  expect(importable("find")).not.toContain("apply");
});

describe("the rule is broken by", () => {
  const table: readonly Room[] = [
    { name: "cluster", holds: "", below: ["plan"] },
    { name: "fault", holds: "", below: ["plan"] },
    { name: "plan", holds: "", below: ["errors.ts"] },
    { name: "errors.ts", holds: "", below: [] },
  ];
  const good: Readonly<Record<string, readonly string[]>> = {
    "cluster/main.ts": ["cluster/state.ts", "plan/plan.ts", "errors.ts"],
    "cluster/state.ts": [],
    "fault/fault.ts": ["fault/target.ts"],
    "fault/target.ts": ["plan/labels.ts"],
    "plan/plan.ts": ["plan/labels.ts", "errors.ts"],
    "plan/labels.ts": [],
    "errors.ts": [],
  };
  const brokenBy = (
    change: Readonly<Record<string, readonly string[]>>,
    changedRooms: readonly Room[] = table,
    lines = 300,
  ) => {
    const files = Object.entries({ ...good, ...change }).map(
      ([path, imports]): SourceFile => ({ path, lines, imports }),
    );
    return Object.entries(rules).flatMap(([name, rule]) =>
      rule(files, changedRooms).length > 0 ? [name] : [],
    );
  };

  test("nothing, where all is well", () => expect(brokenBy({})).toEqual([]));

  test.each<[string, Parameters<typeof brokenBy>, string[]]>([
    [
      "an import upward",
      [{ "plan/labels.ts": ["fault/target.ts"], "fault/target.ts": [] }],
      ["a folder imports what the table allows"],
    ],
    [
      "an action that imports another, even where the table allows it",
      [
        { "cluster/state.ts": ["fault/target.ts"] },
        table.map((room) => (room.name === "cluster" ? { ...room, below: ["fault"] } : room)),
      ],
      ["an action never imports another"],
    ],
    ["a circle", [{ "plan/labels.ts": ["plan/plan.ts"] }], ["no circle of files"]],
    [
      "a folder that the table lacks",
      [{ "seed/acl.ts": [], "seed/kv.ts": [] }],
      ["every room of src is in the table, and every row is one"],
    ],
    [
      "a row without a folder",
      [{}, [{ name: "entry", holds: "", below: [] }, ...table]],
      ["every room of src is in the table, and every row is one"],
    ],
    [
      "an arrow upward in the table",
      [{}, table.map((room) => (room.name === "plan" ? { ...room, below: ["fault"] } : room))],
      ["every arrow of the table points down, to a row", "a folder imports what the table allows"],
    ],
    ["a long file", [{}, table, 301], ["no file of more than 300 lines"]],
    [
      "a folder of one file",
      [{ "seed/seed.ts": [] }, [{ name: "seed", holds: "", below: [] }, ...table]],
      ["no folder of one file"],
    ],
  ])("%s", (_, change, expected) => {
    expect(brokenBy(...change)).toEqual(expected);
  });
});
