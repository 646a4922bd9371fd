/** Run by npm pack: compiles script/cli.ts to lib/cli.js, since Node.js strips no types under node_modules. */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { takesNothing } from "./command-line.ts";
import { root } from "./runner.ts";

takesNothing("node script/package.ts", "compiles the command of the npm package to lib/");
const run = (command: string, ...args: string[]) =>
  execFileSync(join(root, "node_modules/.bin", command), args, { cwd: root, stdio: "inherit" });
// Below the root, where what it imports is found.
const compiled = join(root, "build-cli");
const bundle = mkdtempSync(join(tmpdir(), "cli-"));
run("tsc", "--project", "tsconfig.cli.json");
run(
  "ncc",
  "build",
  join(compiled, "cli.js"),
  "--out",
  bundle,
  "--minify",
  "--quiet",
  "--license",
  "licenses.txt",
);
const lib = join(root, "lib");
mkdirSync(lib, { recursive: true });
copyFileSync(join(bundle, "index.js"), join(lib, "cli.js"));
copyFileSync(join(bundle, "licenses.txt"), join(lib, "licenses.txt"));
chmodSync(join(lib, "cli.js"), 0o755);
for (const folder of [bundle, compiled]) rmSync(folder, { recursive: true });
