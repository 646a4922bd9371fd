import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** A file of `src`, as far as the layout is concerned. */
export interface SourceFile {
  /** Seen from `src`: `plan/plan.ts`. */
  readonly path: string;
  readonly lines: number;
  /** The files of `src` that it imports, types included. */
  readonly imports: readonly string[];
}

/** The room of a file: its folder, or for a file beside the folders its name. */
export const roomOf = (path: string) => path.split("/")[0] ?? path;

/** What a module names after `import` or `export … from`, at the begin or the end of a statement. */
const importPattern = /^(?:import|export|\})(?: [^"'`]*?)?(?: from)? "(?<module>\.[^"]*)";$/gm;

/** What a module names when it imports another while it runs, with what the bundler is told. */
const lateImportPattern = /\bawait import\((?:\/\*.*?\*\/ )?"(?<module>\.[^"]*)"\)/g;

/** @param path - as in `SourceFile` */
export function sourceFile(path: string, text: string): SourceFile {
  const modules = [importPattern, lateImportPattern].flatMap((pattern) =>
    Array.from(text.matchAll(pattern), ({ groups }) => groups?.module ?? ""),
  );
  return {
    path,
    lines: text.trimEnd().split("\n").length,
    imports: modules.map((module) => posix.join(posix.dirname(path), module)),
  };
}

/** Every file of `src`. */
export function readSource(root: string): SourceFile[] {
  const folder = join(root, "src");
  return globSync("**/*.ts", { cwd: folder })
    .sort()
    .map((path) => sourceFile(path, readFileSync(join(folder, path), "utf8")));
}
