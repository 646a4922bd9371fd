/**
 * npm run build: makes dist/ from src/. TypeScript's native compiler has no API that ncc could
 * call, so it writes JavaScript to build/ first, and ncc makes one bundle of that. Each step of
 * an action is a stub of two lines beside the bundle.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, globSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { takesNothing } from "./command-line.ts";
import { root } from "./runner.ts";

const limit = 820_000;

const run = (command: string, ...args: string[]) =>
  execFileSync(join(root, "node_modules/.bin", command), args, { cwd: root, stdio: "inherit" });

/**
 * Compiles a project and makes one minified file of an entry.
 *
 * @param project - its tsconfig file
 * @param compiled - the folder that it compiles to, and the entry in it
 * @returns a temporary folder with index.js and licenses.txt
 */
export function bundleOf(project: string, compiled: { folder: string; entry: string }): string {
  const bundle = mkdtempSync(join(tmpdir(), "bundle-"));
  rmSync(compiled.folder, { recursive: true, force: true });
  run("tsc", "--project", project);
  const entry = join(compiled.folder, compiled.entry);
  run("ncc", "build", entry, "--out", bundle, "--minify", "--quiet", "--license", "licenses.txt");
  return bundle;
}

/** @param dist - the folder to fill; what it held before is removed */
export function build(dist: string): void {
  const compiled = join(root, "build");
  const bundle = bundleOf("tsconfig.build.json", { folder: compiled, entry: "entry/index.js" });

  for (const file of readdirSync(dist)) rmSync(join(dist, file), { recursive: true });
  // The package.json that ncc writes says only what ours says already: that these are modules.
  for (const file of ["index.js", "licenses.txt"])
    copyFileSync(join(bundle, file), join(dist, file));
  for (const file of globSync(join(compiled, "entry/*.js")))
    if (basename(file) !== "index.js") copyFileSync(file, join(dist, basename(file)));
  rmSync(bundle, { recursive: true });

  const size = readdirSync(dist).reduce((sum, file) => sum + statSync(join(dist, file)).size, 0);
  if (size > limit) throw new Error(`dist is ${size} bytes, more than ${limit}`);
}

if (import.meta.main) {
  takesNothing("npm run build", "makes dist/ from src/");
  build(join(root, "dist"));
}
