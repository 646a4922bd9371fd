import { Resolver } from "node:dns/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { root } from "../../../script/runner.ts";
import { ownJob } from "../../support/actions.ts";
import { testInputs } from "../../support/cluster.ts";
import {
  engines,
  expectEmpty,
  holdings,
  machines,
  type NodeOnEngine,
  nodesIn,
} from "../../support/machines.ts";
import { RecordedJob } from "../../support/record.ts";

async function eachAnswers(nodes: readonly NodeOnEngine[]): Promise<void> {
  for (const { name, http, dns } of nodes) {
    const response = await fetch(`${http}/v1/agent/self`);
    const self = z
      .object({ Config: z.object({ NodeName: z.string() }) })
      .parse(await response.json());
    expect(self.Config.NodeName).toBe(name);
    const resolver = new Resolver();
    resolver.setServers([dns]);
    expect(await resolver.resolve4("consul.service.consul")).toHaveLength(3);
  }
}

describe.skipIf(machines === "")("a cluster on three engines (npm run test:machines)", () => {
  test("agents are spread, every address answers, and post leaves nothing", async () => {
    const job = new RecordedJob(ownJob());
    const started = await job.main(
      testInputs({ servers: "3", clients: "3", engines: engines.join(" ") }),
    );
    const nodes = started.exitCode === 0 ? nodesIn(started) : [];
    try {
      expect(started.exitCode, started.log).toBe(0);
      const held = await holdings();
      const servers = held.map((names) => names.filter((name) => /-server-\d$/.test(name)).length);
      expect(servers).toEqual([1, 1, 1]);
      await eachAnswers(nodes);
      expect(nodes.map(({ engine }) => engine)).toEqual([...engines, ...engines]);
      const target = "engine:worker-1";
      const killed = await job.main({ action: "kill", target }, join(root, "fault"));
      expect(killed.exitCode, killed.log).toBe(0);
      expect(JSON.parse(killed.outputs.node ?? "")).toEqual(["server-2", "client-2"]);
      const back = await job.main({ action: "start", target }, join(root, "fault"));
      expect(back.exitCode, back.log).toBe(0);
      expect(nodesIn(back).map(({ ip }) => ip)).toEqual(nodes.map(({ ip }) => ip));
      await eachAnswers(nodes);
    } finally {
      const post = await job.post(started);
      job.dispose();
      expect(post.exitCode, post.log).toBe(0);
    }
    await expectEmpty();
  });
});
