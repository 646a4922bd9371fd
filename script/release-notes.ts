/** Prints the notes of a release, for the release workflow: docs/releases.md. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { commandLine } from "./command-line.ts";
import { root } from "./runner.ts";

const tagPattern = /^v(?<version>(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2})$/;

/**
 * What CHANGELOG says about a version.
 *
 * @param tag - of the release: `v1.2.3`
 * @param changelog - in the format of Keep a Changelog
 * @param current - the version in package.json
 * @throws if the three don't agree, or if there is nothing to say
 */
export function releaseNotes(tag: string, changelog: string, current: string): string {
  const version = tagPattern.exec(tag)?.groups?.version;
  if (version === undefined) throw new Error(`the tag is ${tag}: it must have the form v1.2.3`);
  if (version !== current)
    throw new Error(`the tag is ${tag}, but package.json has version ${current}`);
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((each) => /^\[?([^\]\s]+)/.exec(each)?.[1] === version);
  if (section === undefined)
    throw new Error(`CHANGELOG.md has no section "## ${version} - <date>"`);
  const [heading = "", ...lines] = section.split("\n");
  if (!/ - \d{4}-\d\d-\d\d$/.test(heading))
    throw new Error(
      `CHANGELOG.md: the heading of ${version} has no date, as in "## ${version} - 2026-01-31"`,
    );
  const notes = lines.join("\n").trim();
  if (notes === "") throw new Error(`CHANGELOG.md has nothing below ${version}`);
  return notes;
}

if (import.meta.main) {
  const { tag } = commandLine({
    command: "node script/release-notes.ts",
    about: "prints what CHANGELOG says about a version, once tag and package.json agree with it",
    values: z.object({ tag: z.string("given, such as v1.2.3").describe("The tag: v1.2.3") }),
    positional: ["tag"],
  });
  const read = (file: string) => readFileSync(join(root, file), "utf8");
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(read("package.json")));
  console.log(releaseNotes(tag, read("CHANGELOG.md"), version));
}
