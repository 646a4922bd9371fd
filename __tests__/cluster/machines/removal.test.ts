/** Removing a cluster from several engines, whatever has become of them. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { JobOptions } from "../../../script/runner.ts";
import { root, runId } from "../../../script/runner.ts";
import { ownJob } from "../../support/actions.ts";
import { testInputs } from "../../support/cluster.ts";
import { run } from "../../support/engine.ts";
import { script } from "../../support/job-container.ts";
import {
  engines,
  expectEmpty,
  holdings,
  killEngine,
  onMachines,
  setLink,
} from "../../support/machines.ts";
import { RecordedJob } from "../../support/record.ts";

const folder = mkdtempSync(join(tmpdir(), "machines-removal-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts a cluster with agents on every engine. */
async function start(options: JobOptions = ownJob(), inputs: Record<string, string> = {}) {
  const job = new RecordedJob(options);
  const sizes = { servers: "3", clients: "1" };
  const started = await job.main(testInputs({ ...sizes, engines: engines.join(" "), ...inputs }));
  if (started.exitCode !== 0) await job.post(started);
  expect(started.exitCode, started.log).toBe(0);
  const { "cluster-id": clusterId = "" } = started.outputs;
  return { job, started, clusterId };
}

/** What a warning of the post step says that removes what is left on an engine. */
const commandIn = (log: string, engine: string) =>
  log.match(new RegExp(`docker --context ${engine} ps -aq [^%\\n]*`))?.[0];

describe("a cluster on three engines", onMachines, () => {
  afterEach(() => expectEmpty());

  test("that is kept is removed by the command that post shows", async () => {
    const { job, started, clusterId } = await start(ownJob(), { cleanup: "false", clients: "0" });
    const post = await job.post(started);
    const [, command = ""] = /To remove it: (.+)/.exec(post.log) ?? [];
    expect(command).toMatch(/^for engine in worker-2 worker-1 default; do /);
    expect((await holdings()).map((names) => names.length)).not.toContain(0);
    await run("bash", ["-c", command]);
    await expectEmpty();
    expect((await job.post(started)).log).toContain(
      `Nothing is left to remove of cluster ${clusterId}`,
    );
    job.dispose();
  });

  test("is removed by the action `remove`", async () => {
    const { job, started } = await start();
    const removed = await job.main({}, join(root, "remove"));
    expect(removed.exitCode, removed.log).toBe(0);
    await expectEmpty();
    const post = await job.post(started);
    expect(post.log).not.toContain("::warning");
    job.dispose();
  });

  test("of which one machine is cut off leaves at most the network, which goes once it is back", async () => {
    const { job, started, clusterId } = await start();
    await setLink("worker-2", "down");
    try {
      const post = await job.post(started);
      expect(post.exitCode, post.log).toBe(0);
      const left = (await holdings()).flat();
      expect(new Set(left)).toEqual(new Set([`consul-${clusterId}`]));
      expect(post.log).toContain(`::warning title=Cluster ${clusterId} was not removed::`);
      expect(post.log).toContain("Once that machine is back in the swarm");
      expect(commandIn(post.log, "default")).toContain(clusterId);
    } finally {
      await setLink("worker-2", "up");
    }
    const again = async () => (await job.post(started)).log;
    await expect.poll(again, { timeout: 60_000, interval: 1000 }).not.toContain("::warning");
    job.dispose();
  });

  // A dead engine takes its time until it is back.
  const longer = { timeout: 300_000 };
  test(
    "of which one engine is dead is removed from the others, and from that by a later job",
    longer,
    async () => {
      const through = [script(folder, "Runner.Worker", '"$@"')];
      const env = { RUNNER_NAME: `runner-${randomUUID()}`, RUNNER_TEMP: folder };
      const jobOf = (run: number) => ({
        env: { ...env, GITHUB_RUN_ID: `${runId}-${run}` },
        through,
      });
      const { job, started, clusterId } = await start(jobOf(1), { logs: "always" });
      const revive = await killEngine(1);
      let log = "";
      try {
        const post = await job.post(started);
        expect(post.exitCode, post.log).toBe(0);
        log = post.log;
      } finally {
        await revive();
      }
      expect(log).toMatch(/::group::server-3 running/);
      expect(log).toMatch(/::warning.*saved of the agents on the engine worker-1: /);
      expect(
        log.match(/::warning title=Cluster \w+ was not removed::engine worker-1/g),
      ).toHaveLength(1);
      expect(commandIn(log, "worker-1")).toContain(clusterId);
      const left = await holdings();
      const containers = left.map((names) =>
        names.filter((name) => /-(server|client)-/.test(name)),
      );
      expect(containers).toEqual([[], [`consul-${clusterId}-server-2`], []]);

      const next = await start(jobOf(2));
      expect(next.started.log).toMatch(
        new RegExp(`Cluster ${clusterId}, left behind by job .*: 1 container removed`),
      );
      await next.job.post(next.started);
      next.job.dispose();
      job.dispose();
    },
  );
});
