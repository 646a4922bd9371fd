import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { root } from "../../../script/runner.ts";
import { ActionError, InputError } from "../../../src/errors.ts";
import { fail, logTimed, showForeign, warn } from "../../../src/runner/log.ts";

/** What the runner gets: it reads commands from standard output. */
let written = "";
beforeEach(() => {
  written = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    written += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  // fail() sets it, which would fail the test run.
  process.exitCode = undefined;
});

test("lines from outside are logged while the runner ignores commands", () => {
  showForeign("Log of x", ["hello", "::error::not ours", "::endgroup::"]);
  const [group, stop = "", ...rest] = written.trimEnd().split(/\r?\n/);
  const token = /^::stop-commands::([0-9a-f-]{36})$/.exec(stop)?.[1];
  expect(group).toBe("::group::Log of x");
  expect(rest).toEqual([
    "hello",
    "::error::not ours",
    "::endgroup::",
    `::${token}::`,
    "::endgroup::",
  ]);
});

test("the token that ends them is different each time, so lines can't contain it", () => {
  showForeign("a", []);
  showForeign("b", []);
  const [first, second] = [...written.matchAll(/stop-commands::(.*)/g)].map(([, token]) => token);
  expect(first).not.toBe(second);
});

test("a timed line starts with the seconds since the start", () => {
  logTimed("server-1 started");
  expect(written).toMatch(/^ *\d+\.\d\d s {2}server-1 started\r?\n$/);
});

test("each problem with the inputs gets its own annotation", () => {
  fail(
    new InputError([
      { input: "servers", message: "none" },
      { input: "timeout", message: "too\nlong" },
    ]),
  );
  expect(written.trimEnd().split(/\r?\n/)).toEqual([
    "::error title=Invalid input%3A servers::none",
    "::error title=Invalid input%3A timeout::too%0Along",
  ]);
  expect(process.exitCode).toBe(1);
});

test("a failure is one annotation without a stack", () => {
  fail(new ActionError("Consul is not ready", "no leader\nraise `timeout`"));
  expect(written.trimEnd()).toBe("::error title=Consul is not ready::no leader%0Araise `timeout`");
  expect(process.exitCode).toBe(1);
});

test("what the runner would cut is in the log as a whole, before the annotation", () => {
  const lines = Array.from(
    { length: 20 },
    (_, index) => `${index + 1} ::error::${"x".repeat(290)}`,
  );
  fail(new ActionError("a exited", "Advice.", { quotes: [{ heading: "Its log:", lines }] }));
  const [group, , ...rest] = written.trimEnd().split(/\r?\n/);
  expect(group).toBe("::group::The whole message");
  expect(rest.slice(0, 22)).toEqual(["Advice.", "Its log:", ...lines.map((line) => `  ${line}`)]);
  expect(rest.at(-1)).toMatch(
    /^::error title=a exited::Advice\.%0AIts log:%0A {2}… \(7 lines cut; the log of this step has all of it\)%0A {2}8 ::error::x+%0A/,
  );
});

test("a warning is one annotation, with or without a title", () => {
  warn("even");
  warn("gone", { title: "Node a" });
  expect(written.trimEnd().split(/\r?\n/)).toEqual([
    "::warning::even",
    "::warning title=Node a::gone",
  ]);
});

test("nothing else makes annotations, which the runner might cut", () => {
  const others = globSync("src/**/*.ts", { cwd: root }).filter((path) =>
    /\bcore\.(error|warning|notice|setFailed)\b/.test(readFileSync(join(root, path), "utf8")),
  );
  expect(others).toEqual(["src/runner/log.ts"]);
});

test("any other error is reported as a bug, with its stack and where to report it", () => {
  fail(new TypeError("x is undefined"));
  expect(written).toMatch(
    /^::error title=Bug in this action::.*Please open an issue.*%0ATypeError: x is undefined%0A +at /,
  );
  expect(process.exitCode).toBe(1);
});
