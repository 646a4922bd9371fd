import { posix } from "node:path";
import { messageOf, type Problem } from "../errors.ts";
import type { ReadFile } from "./cluster-input.ts";
import { shown } from "./wording.ts";

/** The version that a file of the workspace names, or what is wrong with the file. */
type VersionFile = { readonly version: string } | { readonly problem: Problem };

/**
 * Reads the version from a file that a version manager reads as well: `.tool-versions` of asdf and mise,
 * which has one tool a line, or a file with nothing but the version, such as `.consul-version`.
 *
 * @param path - the input `version-file`, relative to the workspace
 */
export function readVersionFile(path: string, readFile: ReadFile): VersionFile {
  let text: string;
  try {
    text = readFile(path).toString("utf8");
  } catch (error) {
    return refused(path, `can't be read: ${messageOf(error)}`, notThere);
  }
  const lines = text.split(/\r?\n/).map((line) => line.replace(/#.*/, "").trim());
  const isList = posix.basename(path) === ".tool-versions";
  const found = lines.flatMap((line) => {
    // After the first version, asdf has others to fall back on.
    const [tool, version] = line.split(/\s+/);
    const value = isList ? version : line;
    return value && (!isList || tool === "consul") ? [value] : [];
  });
  const [version, ...others] = found;
  if (version === undefined)
    return refused(path, isList ? "has no line for consul" : "has no version", format);
  if (others.length > 0) return refused(path, `has several versions: ${found.join(", ")}`, format);
  return { version };
}

const notThere =
  "Give the path of a file, relative to the workspace's root (is the repository checked out?).";
const format =
  "A .tool-versions must have one line like `consul 1.22.0`, and any other file one line with nothing but the version.";

function refused(path: string, what: string, advice: string): VersionFile {
  const message = `Input \`version-file\` is ${shown(path)}, which ${what}. ${advice}`;
  return { problem: { input: "version-file", message } };
}
