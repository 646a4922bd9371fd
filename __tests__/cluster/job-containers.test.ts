/** Steps in a container, whatever the runner says of its network, and what they leave to the runner. */
import { randomUUID } from "node:crypto";
import { chownSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type JobOptions, runId } from "../../script/runner.ts";
import { fault, ownJob } from "../support/actions.ts";
import { errorsOf } from "../support/annotations.ts";
import { testInputs, type Up, up } from "../support/cluster.ts";
import { docker, engineHoldings, run } from "../support/engine.ts";
import { containerEnv, jobContainer } from "../support/job-container.ts";
import { RecordedJob } from "../support/record.ts";

const network = `job-containers-${runId}`;
const folder = mkdtempSync(join(tmpdir(), "job-containers-"));
// Not before the clusters that tests left are removed, which runs the scripts in it.
process.on("exit", () => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  await docker("network", "create", network);
});
afterAll(async () => {
  await docker("network", "rm", network);
});

/** What expressions see of the job's network. */
const told = (name: string) => ({ contexts: { job: { container: { network: name } } } });
const nothingTold = { contexts: {} };

/** The options of a job in a container that is on this network. */
async function inContainer(on: string, more: JobOptions): Promise<JobOptions & { name: string }> {
  const name = `job-${randomUUID()}`;
  const { remove, options } = await jobContainer(folder, on, [`--name=${name}`]);
  onTestFinished(async () => {
    await remove();
  });
  return { name, ...options, ...more, env: { ...ownJob().env, ...containerEnv, ...more.env } };
}

describe("a cluster joins a network of the step's container", () => {
  const byName = {
    network,
    "http-address": "http://server-1:8500",
    "dns-address": "server-1:8600",
    "grpc-address": "server-1:8502",
  };

  test.each([
    ["if the runner does not tell it, as Forgejo's and act", nothingTold],
    ["if the runner tells one without names", told("host")],
    ["if the runner tells one that the engine does not have", told(`${network}-gone`)],
  ])("%s", async (_, contexts) => {
    const before = await engineHoldings();
    const cluster = await up({ servers: "1", clients: "1" }, await inContainer(network, contexts));
    expect(cluster.outputs).toMatchObject(byName);
    await fault(cluster, "restart", "client-1");
    await cluster.down();
    expect(await engineHoldings()).toEqual(before);
  });

  test("if the job's network is another one, which the step can't reach", async () => {
    const services = `${network}-services`;
    await docker("network", "create", services);
    const cluster = await up({ servers: "1" }, await inContainer(network, told(services)));
    expect(cluster.outputs).toMatchObject(byName);
    await cluster.down();
    await docker("network", "rm", services);
  });

  test("whose name has 150 characters", async () => {
    const long = `${network}-${"x".repeat(150)}`.slice(0, 150);
    await docker("network", "create", long);
    const options = await inContainer(long, told(long));
    const cluster = await up({ servers: "1" }, options);
    expect(cluster.outputs).toMatchObject({ ...byName, network: long });
    await cluster.down();
    await docker("rm", "--force", "--volumes", options.name);
    await docker("network", "rm", long);
  });
});

test("a step in the machine's network reaches published ports", async () => {
  const cluster = await up({ servers: "1" }, await inContainer("host", told("host")));
  expect(cluster.outputs["http-address"]).toMatch(/^http:\/\/127\.0\.0\.1:/);
  expect(cluster.outputs.network).toMatch(/^consul-/);
  await cluster.down();
});

describe("a step that could not reach its cluster says so at once", () => {
  /** @returns the error, and how long the step took */
  async function refused(options: JobOptions, inputs: Readonly<Record<string, string>> = {}) {
    const before = await engineHoldings();
    const job = new RecordedJob(options);
    const main = await job.main(testInputs({ servers: "1", timeout: "60s", ...inputs }));
    const post = await job.post();
    expect(main.exitCode).toBe(1);
    expect(post.log).toContain("Nothing is left to remove of cluster ");
    // Far less than the timeout.
    expect(main.milliseconds).toBeLessThan(20_000);
    expect(await engineHoldings()).toEqual(before);
    return errorsOf(main);
  }

  test.each([
    ["on the engine's default network", "bridge", told("bridge"), /is only on bridge, where/],
    ["on none", "none", nothingTold, /is only on none, where/],
  ])("%s", async (_, on, contexts, words) => {
    const { name, ...options } = await inContainer(on, contexts);
    const errors = await refused(options);
    expect(errors).toMatchObject([{ title: "This container can't reach a cluster" }]);
    expect(errors[0]?.message).toMatch(words);
    expect(errors[0]?.message).toContain(`docker network connect job-network ${name}`);
  });

  test("on another network than the one that the user names", async () => {
    const { name, ...options } = await inContainer("bridge", nothingTold);
    const errors = await refused(options, { network });
    expect(errors).toMatchObject([{ title: "Invalid input: network" }]);
    expect(errors[0]?.message).toContain(`docker network connect ${network} ${name}`);
  });

  test("and its advice works", async () => {
    const { name, ...options } = await inContainer("bridge", nothingTold);
    await docker("network", "connect", network, name);
    const cluster = await up({ servers: "1" }, options);
    expect(cluster.outputs.network).toBe(network);
    await cluster.down();
  });
});

describe("jobs of a matrix with the same run, job, and runner each find their own cluster", () => {
  const stateOf = ({ nodes }: Up) =>
    docker("container", "inspect", "--format={{.State.Status}}", nodes[0]?.container ?? "");

  test.each([
    ["on a machine, as act's", async (more: JobOptions): Promise<JobOptions> => more],
    ["in containers", (more: JobOptions) => inContainer(network, { ...nothingTold, ...more })],
  ])("%s", async (_, options) => {
    const same = { env: { ...ownJob().env, ACT: "true" } };
    const first = await up({ servers: "1" }, await options(same));
    const second = await up({ servers: "1" }, await options(same));
    await fault(first, "pause", "server-1");
    expect([await stateOf(first), await stateOf(second)]).toEqual(["paused", "running"]);
    await fault(first, "resume", "server-1");
    await Promise.all([first.down(), second.down()]);
  });
});

test("the runner's user can remove what root in the container leaves in RUNNER_TEMP", async () => {
  const runner = 1001;
  chownSync(folder, runner, runner);
  const options = await inContainer(network, nothingTold);
  const inputs = { servers: "1", clients: "1", tls: "true", cli: "true", logs: "always" };
  const cluster = await up({ ...inputs, cleanup: "false" }, options);
  const [path = ""] = cluster.result.path;
  await docker("exec", options.name, join(path, "consul"), "version");
  await fault(cluster, "restart", "client-1");
  await cluster.down();

  const id = `consul-${cluster.outputs["cluster-id"]}`;
  const left = readdirSync(folder).filter((name) => name.startsWith(id));
  expect(left.sort()).toEqual([id, `${id}-logs`, `${id}-steps`]);
  const paths = left.map((name) => join(folder, name));
  const { stdout } = await run("find", [...paths, "!", "-uid", String(runner)]);
  expect(stdout).toBe("");
  await run("rm", ["-r", ...paths], { uid: runner, gid: runner });

  const state = { ...cluster.result.state, cleanup: "true" };
  await cluster.job.post({ ...cluster.result, state });
});
