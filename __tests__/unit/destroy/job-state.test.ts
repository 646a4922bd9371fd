import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../../../script/runner.ts";
import {
  type JobState,
  jobState,
  type MachineFacts,
  proofLabels,
} from "../../../src/destroy/job-state.ts";
import { type Labels, labelNames } from "../../../src/plan/labels.ts";

const host = "pid:[4026531836]";

/** Nothing is running on this machine. */
const facts: MachineFacts = {
  boot: "boot-1",
  machine: "machine-1",
  pidNamespace: host,
  isAlive: () => false,
  runningContainers: new Set(),
  isEngineLocal: true,
};
const alive = { isAlive: () => true };
const restarted = { boot: "boot-2" };
const container = { runningContainers: new Set(["c1"]) };

const boot = { [labelNames.boot]: "boot-1" };
const onMachine = { ...boot, [labelNames.machine]: "machine-1" };
const ranBy = (name: string, pidNamespace = host): Labels => {
  return { ...onMachine, [labelNames.runnerProcess]: `${pidNamespace} 4711 9876 ${name}` };
};
const inContainer = { ...boot, [labelNames.jobContainer]: "c1" };
const worker = ranBy("Runner.Worker");

const forJob = "pid:[4026532486]";
const otherContainer = { pidNamespace: "pid:[4026532999]" };

/** Labels of a cluster, and what a later job sees while its job runs, and after the runner died. */
interface Row {
  readonly labels: Labels;
  readonly running: Partial<MachineFacts>;
  readonly died: Partial<MachineFacts>;
}

/** By the first column of the table in docs/reliability.md. */
const table: Readonly<Record<string, Row>> = {
  "GitHub-hosted": { labels: worker, running: alive, died: { ...restarted, machine: "machine-2" } },
  "self-hosted on a machine": { labels: worker, running: alive, died: {} },
  "several self-hosted runners on a machine": { labels: worker, running: alive, died: {} },
  "self-hosted in a container that stays": {
    labels: { ...worker, ...inContainer },
    running: { ...alive, ...container },
    died: container,
  },
  "self-hosted in a container for each job": {
    labels: { ...ranBy("Runner.Worker", forJob), ...inContainer },
    running: { ...otherContainer, ...container },
    died: otherContainer,
  },
  "job in a container (`container:`)": { labels: inContainer, running: container, died: {} },
  "Docker-in-Docker": { labels: boot, running: otherContainer, died: otherContainer },
  "Gitea or Forgejo on the host": { labels: ranBy("act_runner"), running: alive, died: {} },
  "Gitea or Forgejo in containers": { labels: inContainer, running: container, died: {} },
  "act on the host": { labels: ranBy("act"), running: alive, died: {} },
  "act in containers": { labels: inContainer, running: container, died: {} },
  "macOS, or a runner program with another name": { labels: {}, running: {}, died: {} },
  "a laptop, without a runner": { labels: onMachine, running: {}, died: {} },
};

describe("the table in docs/reliability.md", () => {
  const document = readFileSync(join(root, "docs/reliability.md"), "utf8");
  const [, body = ""] = /\| runner \| proof .*\n\|.*\n((?:\|.*\n)+)/.exec(document) ?? [];
  const lines = body.trimEnd().split("\n");
  const documented = lines.map((line) => line.slice(2, -2).split(" | "));

  test("has these rows", () => {
    expect(documented.map(([runner]) => runner)).toEqual(Object.keys(table));
  });

  test.each(documented)("%s", (runner, _, whileRunning = "", afterDeath = "") => {
    const row = table[runner ?? ""];
    const isRemoved = (seen?: Partial<MachineFacts>) =>
      jobState(row?.labels ?? {}, { ...facts, ...seen }).state === "over";
    expect(isRemoved(row?.running)).toBe(false);
    expect(whileRunning).toBe("stays");
    expect(isRemoved(row?.died)).toBe(afterDeath.startsWith("removed"));
  });
});

describe("the state of a job", () => {
  test.each<[string, Labels, Partial<MachineFacts>, JobState["state"]]>([
    ["process runs", worker, alive, "running"],
    ["machine restarted", worker, { ...alive, ...restarted }, "over"],
    ["other machine restarted", worker, { ...restarted, machine: "machine-2" }, "unknown"],
    ["machine restarted, remote engine", worker, { ...restarted, isEngineLocal: false }, "unknown"],
    ["machine without an ID restarted", boot, { ...restarted, machine: "" }, "unknown"],
    ["process in another PID namespace", ranBy("Runner.Worker", forJob), {}, "unknown"],
    [
      "runner in another container runs",
      table["self-hosted in a container for each job"]?.labels ?? {},
      container,
      "unknown",
    ],
    ["container runs", inContainer, container, "running"],
    ["daemon runs", ranBy("forgejo-runner"), alive, "unknown"],
    ["daemon runs, machine restarted", ranBy("act_runner"), restarted, "over"],
    ["act runs", ranBy("act"), alive, "unknown"],
    ["nothing known of this machine", worker, { boot: "", pidNamespace: "" }, "unknown"],
    ["no labels", {}, {}, "unknown"],
    ["no labels, nothing known", {}, { boot: "", machine: "", pidNamespace: "" }, "unknown"],
    ["empty label", { ...boot, [labelNames.runnerProcess]: "" }, {}, "unknown"],
    ["broken label", { ...boot, [labelNames.runnerProcess]: `${host} 0 1 x` }, {}, "unknown"],
  ])("%s", (_, labels, changes, state) => {
    expect(jobState(labels, { ...facts, ...changes }).state).toBe(state);
  });
});

test("the proof is named", () => {
  expect(jobState(worker, facts).reason).toBe("its runner process has ended");
  expect(jobState(inContainer, facts).reason).toBe("its job container is not running anymore");
  expect(jobState(worker, { ...facts, ...restarted }).reason).toBe(
    "the machine has been restarted",
  );
});

test.runIf(process.platform === "linux")("the labels of this process prove nothing", () => {
  const labels = proofLabels("c1");
  expect(labels).toMatchObject({ [labelNames.jobContainer]: "c1" });
  expect(labels[labelNames.boot]).toMatch(/^[0-9a-f-]{36}$/);
  const here = { ...facts, ...container, ...alive, boot: labels[labelNames.boot] ?? "" };
  expect(jobState(labels, here).state).not.toBe("over");
  expect(proofLabels("")).not.toHaveProperty(labelNames.jobContainer);
});
