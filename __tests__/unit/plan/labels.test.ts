import { describe, expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import {
  engineLabels,
  isPodman,
  jobFilters,
  jobLabels,
  labelNames,
  labels,
  ownerIn,
} from "../../../src/plan/labels.ts";

const env = {
  GITHUB_REPOSITORY: "me/it",
  GITHUB_RUN_ID: "7",
  GITHUB_RUN_ATTEMPT: "2",
  GITHUB_JOB: "test",
  RUNNER_NAME: "r1",
  RUNNER_TEMP: "/runner/_temp",
  RUNNER_TRACKING_ID: "github_1",
};

test("labels identify run, job and runner", () => {
  expect(jobLabels(env, "host", "")).toEqual({
    "consul-cluster-action.run": "me/it/7/2",
    "consul-cluster-action.job": "test",
    "consul-cluster-action.runner": "r1",
    "consul-cluster-action.temp": ":/runner/_temp",
    "consul-cluster-action.home": "host:/runner/_temp",
    "consul-cluster-action.tracking": "github_1",
  });
});

test("whose a container is can be read from its labels", () => {
  const owner = { clusterId: "c0ffee00", jobLabels: jobLabels(env, "host", "") };
  const own = labels(owner).map((label) => label.split(/=(.*)/s).slice(0, 2));
  const others = { "image.label": "1", "consul-cluster-action.node": "server-1" };
  expect(ownerIn({ ...Object.fromEntries(own), ...others })).toEqual(owner);
});

test.each([true, false])("the engine is named by a label: podman %s", async (is) => {
  // An aborted CLI can't ask.
  const docker = new Engine(AbortSignal.abort(), () => {});
  const label = engineLabels({ isPodman: is })[labelNames.engineKind] ?? "";
  expect(await isPodman(docker, label)).toBe(is);
  await expect(isPodman(docker, "")).rejects.toThrow();
});

describe("the filters of a job", () => {
  type Job = readonly [env: Readonly<Record<string, string>>, container: string];

  test("are labels of its clusters", () => {
    const labels = jobLabels(env, "", "c1");
    const given = Object.entries(labels).map(([name, value]) => `label=${name}=${value}`);
    for (const filter of jobFilters(env, "c1")) expect(given).toContain(filter);
  });

  const onMachine = { ACT: "true", GITHUB_RUN_ID: "1", GITHUB_JOB: "test" };
  const inContainer = { ...onMachine, RUNNER_TEMP: "/tmp" };
  test.each<[string, Job, Job]>([
    [
      "of a matrix on a machine",
      [{ ...onMachine, RUNNER_TEMP: "/root/.cache/act/5e1f/tmp" }, ""],
      [{ ...onMachine, RUNNER_TEMP: "/root/.cache/act/91c0/tmp" }, ""],
    ],
    ["of a matrix in containers", [inContainer, "c1"], [inContainer, "c2"]],
    ["of GitHub's runners in containers", [env, "c1"], [env, "c2"]],
  ])("tell it from others %s", (_, job, other) => {
    expect(jobFilters(...job)).not.toEqual(jobFilters(...other));
    expect(jobFilters(...job)).toEqual(jobFilters(...job));
  });
});
