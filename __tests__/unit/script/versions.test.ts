import { describe, expect, test } from "vitest";
import { partOf, withPart } from "../../../script/page.ts";
import { imageAmong } from "../../../script/versions/images.ts";
import { hasPassed, merged, outcome, runsIn, tableOf } from "../../../script/versions/table.ts";

describe("the image of a version", () => {
  const images = [
    "hashicorp/consul:1.2.1",
    "hashicorp/consul:1.22.7",
    "hashicorp/consul:1.22.10",
    "hashicorp/consul:2.1.0-dev",
    "hashicorp/consul:2.10.0",
    "hashicorp/consul:latest",
    "consul:1.4.4",
    "consul:1.22.9",
    "consul-cluster-action/stand-in:1.8.7",
    "consul-cluster-action/test-version:1.8.8-0123456789ab",
    "someone/consul:1.22.99",
    "<none>:<none>",
  ];

  test.each([
    ["1.22.7", "hashicorp/consul:1.22.7"],
    ["1.22", "hashicorp/consul:1.22.10"],
    ["1.4", "consul:1.4.4"],
    ["1.8", "consul-cluster-action/stand-in:1.8.7"],
    ["2.1", "hashicorp/consul:2.1.0-dev"],
    ["2.1.0", "hashicorp/consul:2.1.0-dev"],
    ["latest", "hashicorp/consul:latest"],
    ["1.2", "hashicorp/consul:1.2.1"],
    ["1.9", undefined],
    ["1.22.1", undefined],
  ])("%s is %s", (version, image) => {
    expect(imageAmong(images, version)).toBe(image);
  });

  test("is the tag itself, if the engine has one of that name", () => {
    expect(imageAmong([...images, "hashicorp/consul:1.22"], "1.22")).toBe("hashicorp/consul:1.22");
  });

  test("is the official one if another repository has the same version", () => {
    const both = ["consul:1.15.4", "hashicorp/consul:1.15.4"];
    expect(imageAmong(both, "1.15")).toBe("hashicorp/consul:1.15.4");
  });
});

/** A file's results: a status, and for a test that did not run what it needs. */
const results = (
  tests: readonly (readonly [status: string, needs?: string])[],
  status = "passed",
) => ({
  name: "/x.test.ts",
  status,
  assertionResults: tests.map(([status, needs]) => ({
    fullName: "",
    status,
    meta: needs === undefined ? {} : { needs },
  })),
});

describe("what became of a file's tests", () => {
  const [passed, failed] = [["passed"], ["failed"]] as const;
  test.each([
    ["2", results([passed, ["passed", "1.5"]])],
    ["1, 2 failed", results([failed, passed, failed], "failed")],
    ["1, 2 need 1.5", results([passed, ["skipped", "1.5"], ["skipped", "1.5"]])],
    [
      "0, 1 needs 1.5, 1 needs before 1.11",
      results([
        ["skipped", "1.5"],
        ["skipped", "before 1.11"],
      ]),
    ],
    ["1, 1 skipped", results([passed, ["pending"]])],
    ["0, failed", results([], "failed")],
    ["1, failed", results([passed], "failed")],
  ])("%s", (expected, file) => {
    expect(outcome(file)).toBe(expected);
    const run = { version: "1.4.4", date: "2026-11-24", files: { "x.test.ts": outcome(file) } };
    expect(hasPassed(run)).toBe(!expected.includes("failed"));
  });
});

describe("the table of runs", () => {
  const old = {
    version: "1.8.7",
    date: "2026-11-23",
    files: { "a.test.ts": "1", "b.test.ts": "2" },
  };
  const ten = { version: "1.10.12", date: "2026-11-24", files: { "a.test.ts": "1, 1 needs 1.11" } };

  test("has a column for each version", () => {
    expect(tableOf([old, ten])).toBe(
      [
        "| test file | 1.8.7 (2026-11-23) | 1.10.12 (2026-11-24) |",
        "| --- | --- | --- |",
        "| a.test.ts | 1 | 1, 1 needs 1.11 |",
        "| b.test.ts | 2 |  |",
      ].join("\n"),
    );
  });

  test("is read again as it was written", () => {
    expect(runsIn(`\n\n${tableOf([old, ten])}\n\n`)).toEqual([old, ten]);
    expect(runsIn("\n\nNothing yet.\n\n")).toEqual([]);
  });

  test("takes new runs in the order of versions, and keeps what was not run again", () => {
    const again = { version: "1.8.7", date: "2026-11-25", files: { "a.test.ts": "3" } };
    const eight = { ...again, files: { "a.test.ts": "3", "b.test.ts": "2" } };
    expect(merged([ten, old], [again])).toEqual([eight, ten]);
    expect(merged([old], [ten])).toEqual([old, ten]);
  });
});

describe("a part of a page", () => {
  const markers = ["<!-- a -->", "<!-- /a -->"] as const;
  const page = "before <!-- a -->old<!-- /a --> after";

  test("is replaced, and read", () => {
    expect(withPart(page, markers, "$&")).toBe("before <!-- a -->$&<!-- /a --> after");
    expect(partOf(page, markers)).toBe("old");
  });

  test.each(["nothing", "<!-- a --> only", "only <!-- /a -->"])("is missed in %j", (text) => {
    expect(() => withPart(text, markers, "x")).toThrow("the page has no <!-- a --> or <!-- /a -->");
  });
});
