/** A cluster is removed by a later job of its runner, but only if its own job is proven to be over. */

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type JobOptions, runId } from "../../script/runner.ts";
import { testInputs, up } from "../support/cluster.ts";
import { docker, engineHoldings } from "../support/engine.ts";
import { containerEnv, jobContainer, script } from "../support/job-container.ts";
import { RecordedJob } from "../support/record.ts";

const run = promisify(execFile);

let before: string[];
beforeAll(async () => {
  before = await engineHoldings();
});
afterEach(async () => {
  expect(await engineHoldings()).toEqual(before);
});

const folder = mkdtempSync(join(tmpdir(), "left-behind-"));
// Not before the clusters that tests left are removed, which runs these scripts.
process.on("exit", () => rmSync(folder, { recursive: true }));

/** A stand-in for a runner: runs a step, then stays for as long as the file RUNNER_STAYS exists. */
const runner = (name: string) =>
  script(
    folder,
    name,
    '"$@"',
    "code=$?",
    'if [ -n "$RUNNER_STAYS" ]; then touch "$RUNNER_STAYS.done"; fi',
    'while [ -e "$RUNNER_STAYS" ]; do sleep 0.1; done',
    "exit $code",
  );

/** The environments of two jobs of one runner, with a name that no other test has. */
let first: Record<string, string>;
let second: Record<string, string>;
beforeEach(() => {
  const env = { RUNNER_NAME: `runner-${randomUUID()}`, RUNNER_TEMP: "/tmp" };
  first = { ...env, GITHUB_JOB: "unit", GITHUB_RUN_ID: `${runId}-41` };
  second = { ...env, GITHUB_JOB: "integration", GITHUB_RUN_ID: `${runId}-42` };
});

const worker = { through: [runner("Runner.Worker")] };
const daemon = { through: [runner("act_runner")] };
const start = (env: Record<string, string>, options: JobOptions = {}) =>
  up({ servers: "1" }, { env, ...options });

/** Starts a cluster in a job that runs on. `end` ends the job's runner, without a post step. */
async function startAndStay(env: Record<string, string>, { through }: JobOptions) {
  const stays = join(folder, randomUUID());
  writeFileSync(stays, "");
  const cluster = start({ ...env, RUNNER_STAYS: stays }, { through: through ?? [] });
  while (!existsSync(`${stays}.done`)) await sleep(50);
  const end = async () => {
    rmSync(stays, { force: true });
    return cluster;
  };
  return end;
}

const containers = (env: Record<string, string>) => objects(["ps", "--all"], env);
const objects = async (listing: readonly string[], { GITHUB_RUN_ID }: Record<string, string>) => {
  const label = "consul-cluster-action.run";
  const format = `--format={{.Label "${label}"}}`;
  const lines = await docker(...listing, `--filter=label=${label}`, format);
  return lines.split("\n").filter((line) => line.includes(`${GITHUB_RUN_ID}/`)).length;
};

const leftBehind = (reason: string) =>
  new RegExp(
    `Cluster \\w+, left behind by job unit of run \\S*-41/1: 1 container removed \\(${reason}\\)`,
  );
const hint =
  /Cluster (\w+) of job unit of run \S*-41\/1 may be left behind, but it stays: .* To remove it: (.+)/;

describe("on a machine, a cluster", () => {
  test("is removed once its job's process has ended, and by no other runner", async () => {
    const dead = await start(first, worker);
    const other = await start({ ...second, RUNNER_NAME: `other-${randomUUID()}` }, worker);
    expect(await containers(first)).toBe(1);
    await other.down();
    const next = await start(second, worker);
    expect(await containers(first)).toBe(0);
    expect(next.result.log).toMatch(leftBehind("its runner process has ended"));
    await next.down();
    await dead.down();
  });

  test("stays while its job's process runs, though run and job differ", async () => {
    const end = await startAndStay(first, worker);
    const next = await start(second, worker);
    expect(await containers(first)).toBe(1);
    expect(next.result.log).not.toContain("left behind");
    await next.down();
    const living = await end();
    const last = await start(second, worker);
    expect(last.result.log).toMatch(leftBehind("its runner process has ended"));
    await last.down();
    await living.down();
  });

  test("of a runner with several jobs stays while that runs, with a command to remove it", async () => {
    const end = await startAndStay(first, daemon);
    const next = await start(second, daemon);
    expect(await containers(first)).toBe(1);
    const [, , command = ""] = hint.exec(next.result.log) ?? [];
    expect(command).toContain("docker rm -fv");
    await next.down();
    const living = await end();
    await living.down();
  });

  test("of an unknown runner stays, with a command that removes it", async () => {
    const unknown = await start(first);
    const next = await start(second, worker);
    expect(await containers(first)).toBe(1);
    const hints = next.result.log.split("\n").filter((line) => line.includes("may be left behind"));
    expect(hints).toHaveLength(1);
    const [, clusterId = "", command = ""] = hint.exec(next.result.log) ?? [];
    expect(clusterId).toBe(unknown.outputs["cluster-id"]);
    await run("sh", ["-c", command]);
    expect(await containers(first)).toBe(0);
    await next.down();
    await unknown.down();
  });

  test("of the same job stays, and is not called left behind", async () => {
    const cluster = await start(first);
    const sibling = await start(first);
    expect(await containers(first)).toBe(2);
    expect(sibling.result.log).not.toContain("left behind");
    await sibling.down();
    await cluster.down();
  });

  test("stays if cleanup is false", async () => {
    const kept = await up({ servers: "1", cleanup: "false" }, { env: first, ...worker });
    const next = await start(second, worker);
    expect(await containers(first)).toBe(1);
    expect(next.result.log).not.toContain("left behind");
    await next.down();
    await kept.down();
    await kept.job.post({ ...kept.result, state: { ...kept.result.state, cleanup: "true" } });
  });

  test("of which only volumes are left is removed", async () => {
    const dead = await start(first, worker);
    const id = `label=consul-cluster-action.cluster=${dead.outputs["cluster-id"]}`;
    await docker("rm", "--force", ...dead.nodes.map(({ container }) => container));
    await docker("network", "prune", "--force", `--filter=${id}`);
    expect(await objects(["volume", "ls"], first)).toBeGreaterThan(0);
    const next = await start(second, worker);
    expect(await objects(["volume", "ls"], first)).toBe(0);
    expect(next.result.log).toContain("volumes and network removed (its runner process has ended)");
    await next.down();
    await dead.down();
  });
});

describe("of jobs in containers, a cluster", () => {
  const network = `left-behind-${process.pid}`;
  beforeAll(async () => {
    await docker("network", "create", network);
  });
  afterAll(async () => {
    await docker("network", "rm", network);
  });

  const inContainer = (env: Record<string, string>) => ({ ...env, ...containerEnv });

  test("is removed once its job's container is gone", async () => {
    const job = await jobContainer(folder, network, []);
    // Without `up`, which would run the post step in a container that is gone.
    const dead = new RecordedJob({ env: inContainer(first), ...job.options });
    expect((await dead.main(testInputs({ servers: "1" }))).exitCode).toBe(0);
    await job.remove();
    const later = await jobContainer(folder, network, []);
    const next = await start(inContainer(second), later.options);
    expect(await containers(first)).toBe(0);
    expect(next.result.log).toMatch(leftBehind("its job container is not running anymore"));
    await next.down();
    await later.remove();
  });

  test.each([
    ["a host name that was set", ["--hostname=job"]],
    ["a host name of its own", []],
  ])("stays while its job's container runs, with %s", async (_, options) => {
    const job = await jobContainer(folder, network, options);
    const living = await start(inContainer(first), job.options);
    const later = await jobContainer(folder, network, options);
    const next = await start(inContainer(second), later.options);
    expect(await containers(first)).toBe(1);
    expect(next.result.log).not.toContain("left behind");
    await next.down();
    await later.remove();
    await living.down();
    await job.remove();
  });
});
