/**
 * npm run repository: writes the repository's owner into README, docs, examples, and schema. The one
 * place to change it is `repository` in package.json.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { takesNothing } from "./command-line.ts";
import { root } from "./runner.ts";

const schema = z.object({
  repository: z.templateLiteral(["github:", z.string(), "/", z.string()]),
});

/** `owner/name` on GitHub, as package.json has it. */
export function repository(): string {
  const text = readFileSync(join(root, "package.json"), "utf8");
  return schema.parse(JSON.parse(text)).repository.replace("github:", "");
}

/** Files that name the repository. */
const files = "{*.md,{docs,examples,.github}/**/*.{md,yml},.github/CODEOWNERS}";

/**
 * @param file - its path from the root
 * @returns the text with the repository's owner in place of any other
 */
export function withOwner(file: string, text: string, repository: string): string {
  const [owner = "", name = ""] = repository.split("/");
  if (file === ".github/CODEOWNERS") return text.replaceAll(/@[\w-]+\//g, `@${owner}/`);
  return text
    .replaceAll(new RegExp(`(?<![\\w./-]|@)[\\w-]+/${name}(?![\\w-])`, "g"), repository)
    .replaceAll(
      new RegExp(`(github(?:usercontent)?\\.com/)[\\w-]+/${name}(?![\\w-])`, "g"),
      `$1${repository}`,
    );
}

/** Each file that names the repository, with its text as it is and as it is to be. */
function* pages() {
  const wanted = repository();
  for (const file of globSync(files, { cwd: root })) {
    const text = readFileSync(join(root, file), "utf8");
    yield { file, text, expected: withOwner(file, text, wanted) };
  }
}

/** @returns what is wrong, one line each */
export function checkRepository(): string[] {
  return [...pages()]
    .filter(({ text, expected }) => text !== expected)
    .map(
      ({ file }) => `${file} names another repository than package.json: run npm run repository`,
    );
}

if (import.meta.main) {
  takesNothing(
    "npm run repository",
    "writes the owner in package.json into README, docs, and examples",
  );
  for (const { file, text, expected } of pages())
    if (text !== expected) writeFileSync(join(root, file), expected);
}
