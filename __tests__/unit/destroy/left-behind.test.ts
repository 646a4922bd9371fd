import { describe, expect, test } from "vitest";
import { isLeftBehind } from "../../../src/destroy/left-behind.ts";
import { jobLabels, labelNames } from "../../../src/plan/labels.ts";

describe("a cluster counts as left behind", () => {
  const env = {
    GITHUB_REPOSITORY: "org/repo",
    GITHUB_RUN_ID: "7",
    GITHUB_RUN_ATTEMPT: "1",
    GITHUB_JOB: "test",
    RUNNER_NAME: "runner",
    RUNNER_TEMP: "/home/runner/_work/_temp",
    RUNNER_TRACKING_ID: "github_00000000-0000-0000-0000-00000000000a",
  };
  const mine = jobLabels(env, "host");
  const theirs = (change: Partial<typeof env>, host = "host") =>
    jobLabels({ ...env, ...change }, host);
  const otherId = { RUNNER_TRACKING_ID: "github_00000000-0000-0000-0000-00000000000b" };

  test.each([
    ["of an earlier run", theirs({ GITHUB_RUN_ID: "6" }), true],
    ["of an earlier attempt", theirs({ GITHUB_RUN_ATTEMPT: "0" }), true],
    ["of another job of the run", theirs({ GITHUB_JOB: "lint" }), true],
    ["of another job of a matrix", theirs(otherId), true],
    ["of the running job", theirs({}), false],
    ["whose tracking ID was overwritten", theirs({ RUNNER_TRACKING_ID: "0" }), false],
    ["of another runner", theirs({ GITHUB_RUN_ID: "6", RUNNER_NAME: "other" }), false],
    ["of a runner of that name elsewhere", theirs({ GITHUB_RUN_ID: "6" }, "other"), false],
    ["of one in another folder", theirs({ GITHUB_RUN_ID: "6", RUNNER_TEMP: "/b" }), false],
    ["kept", { ...theirs({ GITHUB_RUN_ID: "6" }), [labelNames.keep]: "true" }, false],
  ])("%s: %s", (_, labels, isLeft) => {
    expect(isLeftBehind(mine, labels)).toBe(isLeft);
  });

  test("never if the runner has no name", () => {
    const nameless = theirs({ RUNNER_NAME: "" });
    expect(isLeftBehind(nameless, theirs({ RUNNER_NAME: "", GITHUB_RUN_ID: "6" }))).toBe(false);
  });

  test("in job containers by the repository, since host and folder prove nothing there", () => {
    const inside = { RUNNER_TEMP: "/__w/_temp" };
    const earlier = theirs({ ...inside, GITHUB_RUN_ID: "6" }, "abc");
    expect(isLeftBehind(theirs(inside, "def"), earlier)).toBe(true);
    const others = theirs({ ...inside, GITHUB_RUN_ID: "6", GITHUB_REPOSITORY: "org/x" }, "abc");
    expect(isLeftBehind(theirs(inside, "def"), others)).toBe(false);
  });
});
