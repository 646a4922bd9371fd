import { describe, expect, test } from "vitest";
import { stepProblems } from "../../../script/check/steps.ts";
import { runnable, unmarkedExamples, workflowOf } from "../../../script/examples/list.ts";
import { ofTheMachine } from "../../../script/examples/run.ts";
import { filledIn, readWorkflow } from "../../../script/examples/workflow.ts";

const workflow = (...steps: readonly string[]) =>
  `jobs:\n  only:\n    steps:\n${steps.map((step) => `      - ${step}\n`).join("")}`;

test("the steps of a workflow are read in order, without the checkout", () => {
  const steps = [
    "uses: actions/checkout@v7",
    "{ uses: org/consul-cluster-action@v1, id: consul, with: { servers: 3, acl: true } }",
    "{ uses: org/consul-cluster-action/fault@v1, with: { action: kill } }",
    "{ name: Look, run: ls, working-directory: examples/a, env: { A: 1 } }",
    "{ name: Clean, if: always(), run: rm -r a }",
  ];
  const [named, unnamed] = ["org/consul-cluster-action@v1", "org/consul-cluster-action/fault@v1"];
  expect(readWorkflow(workflow(...steps))).toEqual([
    {
      kind: "action",
      name: named,
      id: "consul",
      folder: ".",
      inputs: { servers: "3", acl: "true" },
    },
    { kind: "action", name: unnamed, folder: "fault", inputs: { action: "kill" } },
    { kind: "run", name: "Look", script: "ls", directory: "examples/a", env: { A: "1" } },
    { kind: "run", name: "Clean", isAlways: true, script: "rm -r a", directory: ".", env: {} },
  ]);
});

test.each([
  ["another action", "uses: actions/cache@v5", "can't run the step actions/cache@v5"],
  ["a condition", "{ run: ls, if: failure() }", "if"],
])("%s is not left out silently", (_, step, message) => {
  expect(() => readWorkflow(workflow(step))).toThrow(message);
});

test("expressions are filled in from the outputs of earlier steps", () => {
  const contexts = { steps: { consul: { outputs: { "http-port": "8500" } } } };
  const value = `port $\{{ steps.consul.outputs.http-port }}`;
  expect(filledIn({ A: value }, contexts)).toEqual({ A: "port 8500" });
});

test("steps have the machine's environment, without that of other clusters, jobs, and npm", () => {
  const machine = {
    HOME: "/root",
    https_proxy: "http://proxy:3128",
    NPM_CONFIG_REGISTRY: "https://npm",
  };
  const others = {
    CONSUL_HTTP_ADDR: "x",
    GITHUB_ENV: "x",
    RUNNER_TEMP: "x",
    npm_config_local_prefix: "x",
  };
  expect(ofTheMachine({ ...machine, ...others, LC_ALL: undefined })).toEqual(machine);
});

test("every workflow says where it runs", () => {
  expect(unmarkedExamples()).toEqual([]);
  const [unmarked, gone] = unmarkedExamples(["workflows/new.yml"]);
  expect(unmarked).toContain("examples/workflows/new.yml is not in");
  expect(gone).toContain("which examples has not");
});

describe.each(runnable())("%s", (name) => {
  const text = workflowOf(name);

  test("has only steps that the script runs, and inputs and outputs that the actions have", () => {
    expect(readWorkflow(text)).not.toEqual([]);
    expect(stepProblems(text)).toEqual([]);
  });
});
