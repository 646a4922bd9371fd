import { expect, test } from "vitest";
import { jobLabels } from "../../../src/plan/labels.ts";

test("labels identify run, job and runner", () => {
  const env = {
    GITHUB_REPOSITORY: "me/it",
    GITHUB_RUN_ID: "7",
    GITHUB_RUN_ATTEMPT: "2",
    GITHUB_JOB: "test",
    RUNNER_NAME: "r1",
    RUNNER_TEMP: "/runner/_temp",
    RUNNER_TRACKING_ID: "github_1",
  };
  expect(jobLabels(env, "host")).toEqual({
    "consul-cluster-action.run": "me/it/7/2",
    "consul-cluster-action.job": "test",
    "consul-cluster-action.runner": "r1",
    "consul-cluster-action.home": "host:/runner/_temp",
    "consul-cluster-action.tracking": "github_1",
  });
});
