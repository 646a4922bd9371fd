import { actions, importable, maxLines, type Room } from "./rooms.ts";
import { roomOf, type SourceFile } from "./source.ts";

/** What is wrong with a layout, one line each. */
type Problems = string[];

/** Looks at the files of `src` and at the table that they are to keep to. */
type Rule = (files: readonly SourceFile[], rooms: readonly Room[]) => Problems;

/** Every rule of the layout, by what it asks for. */
export const rules: Readonly<Record<string, Rule>> = {
  "every room of src is in the table, and every row is one": (files, rooms) => {
    const there = new Set(files.map(({ path }) => roomOf(path)));
    const listed = new Set(rooms.map(({ name }) => name));
    return [
      ...[...there]
        .filter((name) => !listed.has(name))
        .map((name) => `src/${name} is not in the table`),
      ...[...listed]
        .filter((name) => !there.has(name))
        .map((name) => `the table has ${name}, src has not`),
    ];
  },

  "every arrow of the table points down, to a row": (_, rooms) =>
    rooms.flatMap(({ name, below }, index) => {
      const lower = rooms.slice(index + 1).map((room) => room.name);
      return below
        .filter((each) => !lower.includes(each))
        .map((each) => `${name}: ${each} is no row below it`);
    }),

  "a folder imports what the table allows": (files, rooms) =>
    crossings(files).flatMap(({ from, to, path }) =>
      importable(from, rooms).includes(to) ? [] : [`${path} imports ${to}`],
    ),

  "an action never imports another": (files) =>
    crossings(files).flatMap(({ from, to, path }) =>
      actions.includes(from) && actions.includes(to) ? [`${path} imports ${to}`] : [],
    ),

  "no circle of files": (files) => {
    const imports = new Map(files.map((file) => [file.path, file.imports]));
    return files.flatMap(({ path }) => {
      const circle = pathTo(path, path, imports, new Set());
      return circle ? [[path, ...circle].join(" → ")] : [];
    });
  },

  [`no file of more than ${maxLines} lines`]: (files) =>
    files
      .filter(({ lines }) => lines > maxLines)
      .map(({ path, lines }) => `${path} has ${lines} lines`),

  "no folder of one file": (files) => {
    const folders = Map.groupBy(files, ({ path }) => roomOf(path));
    return [...folders].flatMap(([name, there]) =>
      there.length === 1 && there[0]?.path !== name ? [`src/${name} has one file`] : [],
    );
  },
};

/** Every import that leaves its room. */
function crossings(files: readonly SourceFile[]) {
  return files.flatMap(({ path, imports }) =>
    imports
      .map((target) => ({ path, from: roomOf(path), to: roomOf(target) }))
      .filter(({ from, to }) => from !== to),
  );
}

/** The files on a way of imports from one file to another, the last included; undefined for none. */
function pathTo(
  from: string,
  to: string,
  imports: ReadonlyMap<string, readonly string[]>,
  seen: Set<string>,
): string[] | undefined {
  for (const next of imports.get(from) ?? []) {
    if (next === to) return [next];
    if (seen.has(next)) continue;
    seen.add(next);
    const rest = pathTo(next, to, imports, seen);
    if (rest) return [next, ...rest];
  }
  return undefined;
}
