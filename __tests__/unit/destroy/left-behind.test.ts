import { describe, expect, test } from "vitest";
import type { MachineFacts } from "../../../src/destroy/job-state.ts";
import { decide, isOfSameRunner } from "../../../src/destroy/left-behind.ts";
import { jobLabels, labelNames } from "../../../src/plan/labels.ts";

const env = {
  GITHUB_REPOSITORY: "org/repo",
  GITHUB_RUN_ID: "7",
  GITHUB_RUN_ATTEMPT: "1",
  GITHUB_JOB: "test",
  RUNNER_NAME: "runner",
  RUNNER_TEMP: "/home/runner/_work/_temp",
  RUNNER_TRACKING_ID: "github_00000000-0000-0000-0000-00000000000a",
};
const earlier = { GITHUB_RUN_ID: "6" };
const mine = jobLabels(env, "host", "");
const theirs = (change: Readonly<Record<string, string>>, host = "host") =>
  jobLabels({ ...env, ...change }, host, "");

describe("a cluster is of the same runner", () => {
  test.each([
    ["with its name, host, and folder", theirs(earlier), true],
    ["with another name", theirs({ ...earlier, RUNNER_NAME: "other" }), false],
    ["on another host", theirs(earlier, "other"), false],
    ["in another folder", theirs({ ...earlier, RUNNER_TEMP: "/b" }), false],
    ["but kept", { ...theirs(earlier), [labelNames.keep]: "true" }, false],
  ])("%s: %s", (_, labels, isSame) => {
    expect(isOfSameRunner(mine, labels)).toBe(isSame);
  });

  test("never if the runner has no name", () => {
    const nameless = { RUNNER_NAME: "" };
    expect(isOfSameRunner(theirs(nameless), theirs({ ...nameless, ...earlier }))).toBe(false);
  });

  test.each([
    ["in job containers", { RUNNER_TEMP: "/__w/_temp" }, "abc"],
    ["in containers of other runners", { RUNNER_TEMP: "/tmp" }, ""],
    ["for Gitea's and Forgejo's runners", { GITEA_ACTIONS: "true" }, "host"],
    ["for act", { ACT: "true" }, "host"],
  ])("%s by repository, since host or folder is new for each job", (_, change, host) => {
    const own = theirs(change, host);
    expect(isOfSameRunner(own, theirs({ ...change, ...earlier }, host && `${host}2`))).toBe(true);
    const others = theirs({ ...change, ...earlier, GITHUB_REPOSITORY: "org/x" }, host);
    expect(isOfSameRunner(own, others)).toBe(false);
  });
});

describe("a cluster of the same runner", () => {
  const facts: MachineFacts = {
    boot: "b",
    machine: "",
    pidNamespace: "pid:[1]",
    isAlive: ({ pid }) => pid === 1,
    runningContainers: new Set(),
    isEngineLocal: true,
  };
  const ranBy = (pid: number, name = "Runner.Worker") => {
    return { [labelNames.boot]: "b", [labelNames.runnerProcess]: `pid:[1] ${pid} 5 ${name}` };
  };
  const otherId = { RUNNER_TRACKING_ID: "github_00000000-0000-0000-0000-00000000000b" };

  test.each([
    ["whose job is over", { ...theirs(earlier), ...ranBy(2) }, "remove"],
    ["whose job runs, though run and job differ", { ...theirs(earlier), ...ranBy(1) }, "ignore"],
    ["of a runner with several jobs", { ...theirs(earlier), ...ranBy(1, "act_runner") }, "report"],
    ["of which nothing is known", theirs(earlier), "report"],
    ["of an earlier attempt", theirs({ GITHUB_RUN_ATTEMPT: "0" }), "report"],
    ["of another job of the run", theirs({ GITHUB_JOB: "lint" }), "report"],
    ["of another job of a matrix", theirs(otherId), "report"],
    ["of the running job", theirs({}), "ignore"],
  ])("%s: %s", (_, labels, action) => {
    expect(decide(mine, labels, facts).action).toBe(action);
  });
});
