/** Starts on several machines: secured ones, and those that go wrong. */
import { describe, expect, test } from "vitest";
import { fault, ownJob } from "../../support/actions.ts";
import { errorsOf } from "../../support/annotations.ts";
import { testInputs } from "../../support/cluster.ts";
import { docker } from "../../support/engine.ts";
import { engines, expectEmpty, onMachines, setLink } from "../../support/machines.ts";
import { RecordedJob } from "../../support/record.ts";
import { expectAnswers, expectLargeValue, upOnMachines } from "../../support/up-on-machines.ts";

describe("on three engines", onMachines, () => {
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

  /** Starts a cluster, and does something at lines of the log. @returns the failed step */
  async function failing(when: RegExp, act: () => Promise<unknown>, inputs = {}) {
    const acts: Promise<unknown>[] = [];
    const onLine = (line: string) => {
      if (when.test(line)) acts.push(act());
    };
    const job = new RecordedJob({ ...ownJob(), debug: true, onLine });
    const sizes = { servers: "3", clients: "3", engines: engines.join(" ") };
    const started = await job.main(testInputs({ ...sizes, ...inputs }));
    await Promise.all(acts);
    await setLink("worker-2", "up");
    await expect.poll(() => docker("node", "ls"), { timeout: 60_000 }).not.toContain("Down");
    const post = await job.post(started);
    job.dispose();
    expect(acts, started.log).not.toEqual([]);
    expect(started.exitCode, started.log).toBe(1);
    expect(post.exitCode, post.log).toBe(0);
    await expectEmpty();
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
  });

  describe("of which one is cut off", () => {
    test("while agents start: the message names the engine of the one that can't", async () => {
      const failed = await failing(/server-3 started/, () => setLink("worker-2", "down"));
      const [error] = errorsOf(failed);
      expect(error?.title).toBe("client-3 can't start");
      expect(error?.message).toContain(
        "client-3 is on the engine worker-2, which got no answer of the swarm's manager",
      );
    });

    test("once all have started: the message names the engine and its agents", async () => {
      let started = 0;
      const inputs = { clients: "0", timeout: "20s" };
      const act = async () => {
        started++;
        if (started === 3) await setLink("worker-2", "down");
      };
      const failed = await failing(/server-\d started/, act, inputs);
      expect(errorsOf(failed)[0]?.message).toContain(
        "All agents on the engine worker-2 (server-3) are among them: that machine may be cut off",
      );
    });
  });
});
