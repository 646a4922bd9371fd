import { describe, expect, test } from "vitest";
import { parseClusterFile } from "../../../src/inputs/cluster-file.ts";
import { keyProblem } from "../../../src/inputs/kv-key.ts";

describe("a key", () => {
  test.each([
    ["", "empty"],
    ["/lead", "start with `/`"],
    ["/", "start with `/`"],
    [" a", "space"],
    ["a ", "space"],
    ["a//b", "`//`"],
    ["a//", "`//`"],
    [".", "path segment"],
    ["a/./b", "path segment"],
    ["x/../big", "path segment"],
    ["a/..", "path segment"],
    ["a/%2e%2e/b", "percent-encoded"],
    ["a/%2E./b", "percent-encoded"],
    ["a%2f..%2fb", "percent-encoded"],
    ["a/%2e/b", "percent-encoded"],
    ["a%20b", "percent-encoded"],
    ["%41..b", "percent-encoded"],
    ["a\ud800", "Unicode"],
    // What transactions refuse since 2.0, each with what else it is made of.
    ["/a", "start with `/`"],
    [" ", "space"],
    ["a/ ", "space"],
    ["..", "path segment"],
    ["../../a", "path segment"],
    ["../%2E%2E/a", "path segment"],
    ["..%2Fa", "percent-encoded"],
    ["a/%2E%2E", "percent-encoded"],
    ["a..%41", "percent-encoded"],
    ["%20", "percent-encoded"],
    ["a%C3%A9 b", "percent-encoded"],
  ])("%j is refused", (key, words) => {
    expect(keyProblem(key)).toContain(words);
  });

  test.each([
    "a",
    "a/b",
    "folder/",
    "a b",
    "a..b",
    "a+b",
    "a. /b",
    "a%252e%252e",
    "a%2520b",
    "..%zz",
    "a/.b",
    "a/...",
    "%",
    "a%zz..",
    "100%",
    "ä/😀",
    "a%2Fb",
    "?#",
  ])("%j is accepted", (key) => {
    expect(keyProblem(key)).toBeUndefined();
  });
});

test("a file names each key that Consul would refuse, large or small, and its line", () => {
  const text = `kv:\n  good/key: a\n  /lead: a\n  x/../big: "@big"\n`;
  const readFile = () => Buffer.alloc(600_000);
  const { file, problems } = parseClusterFile({ text, name: "cluster.yml", readFile });
  expect(file).toBeUndefined();
  expect(problems.map(({ message }) => message)).toEqual([
    'cluster.yml:3:3: `kv["/lead"]` is not a valid key: it must not start with `/`.',
    'cluster.yml:4:3: `kv["x/../big"]` is not a valid key: it must not contain `.` or `..` as a path segment.',
  ]);
});
