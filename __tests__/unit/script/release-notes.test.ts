import { expect, test } from "vitest";
import { releaseNotes } from "../../../script/release-notes.ts";

const changelog = `# Changelog

## Unreleased

### Added

- Later.

## 1.2.3 - 2026-11-30

### Fixed

- This.

## 1.2.2 - 2026-11-29

- Before.

## 1.2.1

- No date.

## 1.2.0 - 2026-11-01
`;

test("the notes are the version's own section, without its heading", () => {
  expect(releaseNotes("v1.2.3", changelog, "1.2.3")).toBe("### Fixed\n\n- This.");
  expect(releaseNotes("v1.2.2", changelog, "1.2.2")).toBe("- Before.");
});

test.each([
  ["v1.2", "1.2.0", "must have the form v1.2.3"],
  ["v1.2.3-rc1", "1.2.3-rc1", "must have the form v1.2.3"],
  ["v01.2.3", "01.2.3", "must have the form v1.2.3"],
  ["v1.2.3", "1.2.4", "package.json has version 1.2.4"],
  ["v1.3.0", "1.3.0", 'no section "## 1.3.0'],
  ["v1.2.1", "1.2.1", "has no date"],
  ["v1.2.0", "1.2.0", "nothing below"],
])("%s with %s in package.json is refused", (tag, current, message) => {
  expect(() => releaseNotes(tag, changelog, current)).toThrow(message);
});
