/** Starts on several machines: secured ones, and those that go wrong. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { fault, ownJob } from "../../support/actions.ts";
import { errorsOf } from "../../support/annotations.ts";
import { testInputs } from "../../support/cluster.ts";
import { docker } from "../../support/engine.ts";
import { engines, expectEmpty, machines, setLink } from "../../support/machines.ts";
import { RecordedJob } from "../../support/record.ts";
import { expectAnswers, expectLargeValue, upOnMachines } from "../../support/up-on-machines.ts";

describe.skipIf(machines === "")("on three engines", () => {
  test("a secured cluster answers at every address, also after a machine was away", async () => {
    const security = { acl: "true", tls: "true", "gossip-encryption": "true" };
    const cluster = await upOnMachines({ servers: "3", clients: "3", ...security });
    try {
      await expectAnswers(cluster);
      const [first, second, third] = cluster.nodes;
      if (first && second && third) await expectLargeValue(cluster, third, second);
      await fault(cluster, "kill", "engine:worker-2");
      await fault(cluster, "start", "engine:worker-2");
      await expectAnswers(cluster);
    } finally {
      await cluster.down();
    }
  });

  /** Starts a cluster, and does something at a line of the log. @returns the failed step */
  async function failing(when: RegExp, act: (line: string) => Promise<unknown>, inputs = {}) {
    let acting: Promise<unknown> | undefined;
    const onLine = (line: string) => {
      if (when.test(line)) acting ??= act(line);
    };
    const job = new RecordedJob({ ...ownJob(), debug: true, onLine });
    const sizes = { servers: "3", clients: "3", engines: engines.join(" ") };
    const started = await job.main(testInputs({ ...sizes, ...inputs }));
    await acting;
    const post = await job.post(started);
    job.dispose();
    expect(acting, started.log).toBeDefined();
    expect(started.exitCode, started.log).toBe(1);
    expect(post.exitCode, post.log).toBe(0);
    return started;
  }

  test("if the forwarder exits, the step fails at once with its last log", async () => {
    const failed = await failing(/server-1 started/, async () => {
      const name = await docker("ps", "--filter=name=-forwarder$", "--format={{.Names}}");
      await docker("kill", name);
    });
    const [error] = errorsOf(failed);
    expect(error?.title).toMatch(/^consul-\w+-forwarder exited$/);
    expect(error?.message).toContain("exited (exit code 137)");
    expect(error?.message).toContain("log:\n  Forwarding");
    expect(failed.log).toMatch(/^::group::consul-\w+-forwarder exited with code 137$/m);
    await expectEmpty();
  });

  test("of which one is cut off: the message names the engine and its agents", async () => {
    const cut = async () => {
      await setLink("worker-2", "down");
      await sleep(100);
    };
    try {
      const failed = await failing(/server-1 started/, cut, { timeout: "25s" });
      expect(errorsOf(failed)[0]?.message).toContain(
        "All agents on the engine worker-2 (server-3, client-3) are among them",
      );
    } finally {
      await setLink("worker-2", "up");
    }
    await expect.poll(() => docker("node", "ls"), { timeout: 60_000 }).not.toContain("Down");
  });
});
