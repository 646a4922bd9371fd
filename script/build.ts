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

const limit = 700_000;

/** @param dist - the folder to fill; what it held before is removed */
export function build(dist: string): void {
  const compiled = join(root, "build");
  const bundle = mkdtempSync(join(tmpdir(), "bundle-"));
  const run = (command: string, ...args: string[]) =>
    execFileSync(join(root, "node_modules/.bin", command), args, { cwd: root, stdio: "inherit" });

  rmSync(compiled, { recursive: true, force: true });
  run("tsc", "--project", "tsconfig.build.json");
  run(
    "ncc",
    "build",
    join(compiled, "entry/index.js"),
    "--out",
    bundle,
    "--minify",
    "--quiet",
    "--license",
    "licenses.txt",
  );

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
