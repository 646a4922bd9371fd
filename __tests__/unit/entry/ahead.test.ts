/** Each step asks something before its code is loaded: it must be what it goes on to ask. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { readAction } from "../../../script/action.ts";
import { inputVariable, resolveInputs, root } from "../../../script/runner.ts";
import { fakeDocker } from "../find/fixtures.ts";

const execute = promisify(execFile);

/** An engine that has nothing, and on which nothing can be made. */
const empty = `
echo "$*" >> calls
case "$1 $2" in
version*) echo linux/amd64;;
"context inspect") echo unix:///var/run/docker.sock;;
"container inspect") echo "[]";;
"image inspect") echo "[]" ; echo "Error: No such image: x" >&2; exit 1;;
"network create") echo "could not find free subnet" >&2; exit 1;;
esac
`;

/** The same with a cluster's nodes, as docker lists them, of which it knows nothing more. */
const withNodes = (...lines: readonly string[]) =>
  [`if [ "$1" = ps ]; then printf '${lines.map((line) => `${line}\\n`).join("")}'; fi`, empty].join(
    "\n",
  );

interface Step {
  readonly engine?: string;
  /** Folder of the action. */
  readonly action?: string;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a step's entry. @returns the docker commands that it ran, in any order */
async function callsOf(
  entry: string,
  { engine = empty, action = ".", inputs = {}, env = {} }: Step,
) {
  const folder = fakeDocker(engine);
  writeFileSync(join(folder, "calls"), "");
  const files = ["STATE", "OUTPUT", "ENV", "PATH", "STEP_SUMMARY"].map((name) => {
    writeFileSync(join(folder, name), "");
    return [`GITHUB_${name}`, join(folder, name)];
  });
  const values = resolveInputs(readAction(join(root, action)), inputs, {});
  const variables = Object.entries(values).map(([name, value]) => [inputVariable(name), value]);
  const runner = { PATH: process.env.PATH, RUNNER_TEMP: folder, RUNNER_NAME: "here" };
  await execute(process.execPath, [join(root, `src/entry/${entry}.ts`)], {
    env: { ...runner, ...Object.fromEntries([...files, ...variables]), ...env },
  }).catch((error: unknown) => {
    // A step that finds no cluster fails.
    if (!(error instanceof Error && "code" in error && error.code === 1)) throw error;
  });
  return readFileSync(join(folder, "calls"), "utf8").trim().split("\n").sort();
}

const steps: [string, Record<string, string>][] = [
  ["fault", { action: "kill", target: "server-1" }],
  ["upgrade", { version: "1.22" }],
  ["scale", { clients: "1" }],
  ["wait", { service: "web" }],
];
const nodes = /^ps --all --no-trunc .*label=consul-cluster-action\.node$/;
test.each(steps)("%s finds its cluster with what it asked ahead", async (entry, inputs) => {
  const calls = await callsOf(entry, { action: entry, inputs });
  expect(calls).toEqual([expect.stringMatching(nodes)]);
});

test.each(steps)("%s asks once about its cluster", async (entry, inputs) => {
  const node = (name: string) => `${name}\\tc0ffee00\\tserver\\t\\t"consul agent"`;
  const calls = await callsOf(entry, {
    engine: withNodes(node("one"), node("two")),
    action: entry,
    inputs,
  });
  expect(calls).toEqual([
    "container inspect one two",
    expect.stringMatching(nodes),
    "volume ls --format={{.Name}} --filter=label=consul-cluster-action.cluster=c0ffee00",
  ]);
});

test("nothing is asked about nodes of several clusters, or of a cluster on several engines", async () => {
  const [entry, inputs] = ["scale", { clients: "1" }];
  const several = withNodes(
    "one\\tc0ffee00\\tserver\\t\\tconsul",
    "two\\tbeef0000\\tserver\\t\\tconsul",
  );
  const onEngines = withNodes("one\\tc0ffee00\\tserver\\ta,b\\tconsul");
  for (const engine of [several, onEngines]) {
    const calls = await callsOf(entry, { engine, action: entry, inputs });
    expect(calls.filter((call) => call.startsWith("container inspect one"))).toEqual([]);
  }
});

test("logs asks once for nodes", async () => {
  const calls = await callsOf("logs", { action: "logs" });
  expect(calls).toEqual([expect.stringMatching(nodes)]);
});

test("remove asks once for what a cluster has", async () => {
  const calls = await callsOf("remove", { action: "remove" });
  expect(calls.map((call) => call.split(" ", 1)[0])).toEqual(["network", "ps", "volume"]);
});

test("a start asks once what the engine is", async () => {
  const calls = await callsOf("main", { inputs: { pull: "never" } });
  expect(calls.filter((call) => call.startsWith("version "))).toHaveLength(1);
});

test("a post step asks once for containers, and for what is left", async () => {
  const env = {
    "STATE_cluster-id": "c0ffee00",
    STATE_cleanup: "true",
    "INPUT_JOB-STATUS": "success",
  };
  const calls = await callsOf("post", { env });
  const cluster = "--filter=label=consul-cluster-action.cluster=c0ffee00";
  expect(calls).toEqual([
    `network ls --format={{.Name}} ${cluster}`,
    `network ls --format={{.Name}} ${cluster}`,
    expect.stringMatching(/^ps --all --format=\{\{\.Names\}\} /),
    expect.stringMatching(/^ps --all --no-trunc /),
    `volume ls --format={{.Name}} ${cluster}`,
  ]);
});
