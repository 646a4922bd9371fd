/** Run by npm pack: compiles script/cli.ts to lib/cli.js, since Node.js strips no types under node_modules. */
import { chmodSync, copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundleOf } from "./build.ts";
import { takesNothing } from "./command-line.ts";
import { root } from "./runner.ts";

takesNothing("node script/package.ts", "compiles the command of the npm package to lib/");
// Below the root, where what it imports is found.
const compiled = join(root, "build-cli");
const bundle = bundleOf("tsconfig.cli.json", { folder: compiled, entry: "cli.js" });
const lib = join(root, "lib");
mkdirSync(lib, { recursive: true });
copyFileSync(join(bundle, "index.js"), join(lib, "cli.js"));
copyFileSync(join(bundle, "licenses.txt"), join(lib, "licenses.txt"));
chmodSync(join(lib, "cli.js"), 0o755);
for (const folder of [bundle, compiled]) rmSync(folder, { recursive: true });
