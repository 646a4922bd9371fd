/** Networks that are slow or lose packets. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../../../script/runner.ts";
import { fault, ownJob, statesIn } from "../../support/actions.ts";
import { nodeOf, type Up, up } from "../../support/cluster.ts";
import { engineHoldings } from "../../support/engine.ts";
import { ask } from "../../support/later-step.ts";

/** Docker commands take seconds each on a machine that is busy. */
const patience = { timeout: 180_000 };

/** Consul's limit for a value is 512 KiB. At 1 Mbit/s, this one takes 2 s. */
const value = "x".repeat(256 * 1024);

let before: string[];
let cluster: Up;

beforeAll(async () => {
  before = await engineHoldings();
  // With Consul's own timers: gossip waits behind a large value, too, and agents that were hastier would take
  // each other as failed.
  cluster = await up({ servers: "1", clients: "1" }, ownJob());
});
afterAll(async () => {
  await cluster.down();
  expect(await engineHoldings()).toEqual(before);
});

/** Milliseconds that a request through the client agent takes. It must succeed. */
async function timeOf(path: string, body?: string): Promise<number> {
  const started = performance.now();
  const url = `${nodeOf(cluster, "client-1").http}${path}`;
  const answer = await ask(url, body === undefined ? {} : { body });
  expect(answer.status, answer.body.slice(0, 500)).toBe(200);
  return performance.now() - started;
}

const onClient = (action: string, inputs: Readonly<Record<string, string>>) =>
  fault(cluster, action, "client-1", inputs);

describe("an impaired node", () => {
  test(
    "sends to other agents no faster than its bandwidth, but to the job as before",
    patience,
    async () => {
      const step = await onClient("bandwidth", { rate: "1mbit" });
      expect(statesIn(step)).toEqual({ "server-1": "running", "client-1": "impaired" });
      expect(await timeOf("/v1/kv/large", value)).toBeGreaterThan(1500);
      const received = await timeOf("/v1/kv/large");
      const refused = await cluster.job.main(
        { action: "loss", percent: "1", target: "client-1" },
        join(root, "fault"),
      );
      expect(refused.log).toContain(
        "Node client-1 is impaired; `loss` needs a running node: `heal` it first.",
      );
      expect(statesIn(await fault(cluster, "heal"))["client-1"]).toBe("running");

      // With `scope: all`, what the job reads is as slow as what other agents get.
      await onClient("bandwidth", { rate: "1mbit", scope: "all" });
      expect(await timeOf("/v1/kv/large")).toBeGreaterThan(Math.max(1500, received));
      await fault(cluster, "heal");
    },
  );

  test(
    "that loses all packets is gone for the others, until the fault is over",
    patience,
    async () => {
      const url = `${nodeOf(cluster, "client-1").http}/v1/kv/large?consistent`;
      const lost = onClient("loss", { percent: "100", for: "3s" });
      let failed = false;
      const ended = lost.then(() => true);
      while (!(await Promise.race([ended, sleep(200, false)]))) {
        const answer = ask(url).then(
          ({ status }) => status,
          () => 0,
        );
        if ((await Promise.race([answer, sleep(1000, 0)])) !== 200) failed = true;
      }
      expect(failed).toBe(true);
      expect(new Set(Object.values(statesIn(await lost)))).toEqual(new Set(["running"]));
      expect(await timeOf("/v1/kv/large?consistent")).toBeLessThan(15_000);
    },
  );

  test(
    "is slow by the latency; or the kernel can't do that, and nothing is changed",
    patience,
    async () => {
      const inputs = { action: "delay", target: "client-1", latency: "200ms" };
      const delayed = await cluster.job.main(inputs, join(root, "fault"));
      if (delayed.exitCode === 0) {
        expect(statesIn(delayed)["client-1"]).toBe("impaired");
        expect(await timeOf("/v1/kv/large?consistent")).toBeGreaterThan(199);
        await fault(cluster, "heal");
      } else {
        expect(delayed.log).toContain("The kernel can't do `delay`");
        expect(delayed.log).toContain("Nothing was changed");
      }
      const restarted = await fault(cluster, "restart", "client-1");
      expect(new Set(Object.values(statesIn(restarted)))).toEqual(new Set(["running"]));
    },
  );
});
