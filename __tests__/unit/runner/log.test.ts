import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ActionError, InputError } from "../../../src/errors.ts";
import { fail, logTimed, showForeign } from "../../../src/runner/log.ts";

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

test("any other error is reported as a bug, with its stack and where to report it", () => {
  fail(new TypeError("x is undefined"));
  expect(written).toMatch(
    /^::error title=Bug in this action::.*Please open an issue.*%0ATypeError: x is undefined%0A +at /,
  );
  expect(process.exitCode).toBe(1);
});
