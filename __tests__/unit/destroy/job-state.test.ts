import { describe, expect, test } from "vitest";
import { jobState, type MachineFacts, proofLabels } from "../../../src/destroy/job-state.ts";
import { type Labels, labelNames } from "../../../src/plan/labels.ts";

const host = "pid:[4026531836]";
const namespace = "pid:[4026532486]";

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
const daemon = ranBy("act_runner");

/** The table in docs/reliability.md, row by row. */
const table: [string, [string, Labels, Partial<MachineFacts>, string][]][] = [
  [
    "GitHub's runner on a machine",
    [
      ["process ended", worker, {}, "over"],
      ["process runs", worker, alive, "running"],
      ["machine restarted", worker, { ...alive, ...restarted }, "over"],
      ["another machine", worker, { ...restarted, machine: "machine-2" }, "unknown"],
      ["remote engine", worker, { ...restarted, isEngineLocal: false }, "unknown"],
    ],
  ],
  [
    "GitHub's runner in a container that stays",
    [
      ["seen from it, process ended", { ...worker, ...inContainer }, container, "over"],
      ["seen from it, process runs", worker, { ...container, ...alive }, "running"],
    ],
  ],
  [
    "GitHub's runner in a container for each job",
    [
      [
        "container gone",
        { ...ranBy("Runner.Worker", namespace), ...inContainer },
        { pidNamespace: "pid:[1]" },
        "over",
      ],
      [
        "container runs",
        { ...ranBy("Runner.Worker", namespace), ...inContainer },
        { pidNamespace: "pid:[1]", ...container },
        "unknown",
      ],
    ],
  ],
  [
    "a job in a container",
    [
      ["gone or stopped", inContainer, {}, "over"],
      ["runs", inContainer, container, "running"],
    ],
  ],
  [
    "Docker-in-Docker",
    [
      ["nothing known", boot, {}, "unknown"],
      ["process in another namespace", ranBy("Runner.Worker", namespace), {}, "unknown"],
    ],
  ],
  [
    "Gitea's and Forgejo's runners, and act, on the host",
    [
      ["runner ended", daemon, {}, "over"],
      ["runner runs", daemon, alive, "unknown"],
      ["machine restarted", daemon, restarted, "over"],
      ["forgejo-runner runs", ranBy("forgejo-runner"), alive, "unknown"],
      ["act ended", ranBy("act"), {}, "over"],
      ["act runs", ranBy("act"), alive, "unknown"],
    ],
  ],
  [
    "a system without /proc",
    [
      ["nothing known", {}, { boot: "", machine: "", pidNamespace: "" }, "unknown"],
      ["nothing known of this machine", worker, { boot: "", pidNamespace: "" }, "unknown"],
    ],
  ],
  [
    "labels that are not ours",
    [
      ["empty", { ...boot, [labelNames.runnerProcess]: "" }, {}, "unknown"],
      ["broken", { ...boot, [labelNames.runnerProcess]: `${host} 0 1 x` }, {}, "unknown"],
    ],
  ],
];

describe.each(table)("%s", (_, rows) => {
  test.each(rows)("%s", (_, labels, changes, state) => {
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
