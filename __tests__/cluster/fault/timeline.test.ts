/** Faults that a step undoes itself, and the timeline of what they lead to. */

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { root, type StepResult } from "../../../script/runner.ts";
import { fault, hastyTimers, ownJob, sidesIn, statesIn } from "../../support/actions.ts";
import { type Up, up } from "../../support/cluster.ts";
import { aliveMembers, httpGet, voters } from "../../support/consul.ts";
import { engineHoldings } from "../../support/engine.ts";

const timelineSchema = z.array(
  z.object({
    event: z.string(),
    at: z.iso.datetime(),
    seconds: z.number(),
    action: z.string().optional(),
    nodes: z.array(z.string()).optional(),
    leader: z.string().optional(),
  }),
);
const timelineIn = ({ outputs }: StepResult) =>
  timelineSchema.parse(JSON.parse(outputs.timeline ?? ""));

/** Docker commands take seconds each on a machine that is busy. */
const patience = { timeout: 180_000 };

const lines: string[] = [];
let before: string[];
let cluster: Up;

beforeAll(async () => {
  before = await engineHoldings();
  const onLine = (line: string) => lines.push(line);
  cluster = await up({ clients: "1", config: hastyTimers }, { ...ownJob(), onLine });
});
afterAll(async () => {
  await cluster.down();
  expect(await engineHoldings()).toEqual(before);
});

describe("a fault for a while", () => {
  test(
    "the leader is killed, stays away for the time, and is back when the step ends",
    patience,
    async () => {
      const step = await fault(cluster, "kill", "leader", { for: "2s" });
      const { node = "", leader = "", quorum } = step.outputs;
      expect(quorum).toBe("true");
      expect(new Set(Object.values(statesIn(step)))).toEqual(new Set(["running"]));
      for (const { http } of cluster.nodes)
        expect(await aliveMembers(http)).toEqual(cluster.nodes.map(({ name }) => name).sort());
      const [first] = cluster.nodes;
      expect(await voters(first?.http ?? "")).toHaveLength(3);

      const events = timelineIn(step);
      const timeOf = (name: string) => events.find(({ event }) => event === name)?.seconds ?? -1;
      const lastOf = (name: string) =>
        events.findLast(({ event }) => event === name)?.seconds ?? -1;
      expect(events[0]).toMatchObject({
        event: "fault",
        action: "kill",
        nodes: [node],
        seconds: 0,
      });
      const election = events.find(({ event }) => event === "election");
      expect(election?.leader).toBe(leader);
      expect(timeOf("election")).toBeGreaterThan(timeOf("applied"));
      // The old leader accepts nothing, and Raft's heartbeat takes longer than this. It counts from the
      // fault's start: on a busy machine, `docker kill` returns long after the leader is dead.
      expect(timeOf("write")).toBeGreaterThan(0.3);
      expect(timeOf("write")).toBeGreaterThan(timeOf("applied"));
      expect(timeOf("effect")).toBeGreaterThanOrEqual(timeOf("detection"));
      expect(timeOf("undo")).toBeGreaterThanOrEqual(timeOf("effect") + 2);
      expect(lastOf("back")).toBeGreaterThan(timeOf("undo"));
      expect(events.map(({ seconds }) => seconds)).toEqual(
        events.map(({ seconds }) => seconds).toSorted((a, b) => a - b),
      );
      expect(step.summary).toContain(`### Consul: kill ${node} for 2 s`);
      expect(step.summary).toContain(`all agents report ${leader} as the new leader`);
      expect(step.summary).toMatch(
        /^gantt\n[\s\S]*^section kill\n[\s\S]*^new leader server-\d, [\d.]+ s :0, \d+\n[\s\S]*^section start\n[\s\S]*^cluster whole, /m,
      );
      // What was written to see when writes are accepted has left nothing.
      expect(await httpGet(`${first?.http}/v1/kv/?keys`)).toBe("[]");
    },
  );

  test(
    "a client agent and one server are cut off from the rest, and all come together",
    patience,
    async () => {
      const inputs = { groups: "client-1, follower | others", for: "1s" };
      const step = await fault(cluster, "partition", "", inputs);
      const [small, large] = sidesIn(step);
      expect(small).toMatchObject({ nodes: [expect.any(String), expect.any(String)], leader: "" });
      expect(large?.nodes).toContain(large?.leader);
      for (const { http } of cluster.nodes)
        expect(await aliveMembers(http)).toEqual(cluster.nodes.map(({ name }) => name).sort());
      expect(timelineIn(step).map(({ event }) => event)).toEqual(
        expect.arrayContaining(["no-leader", "detection", "effect", "undo", "back"]),
      );
    },
  );

  test(
    "canceled, the step says that the fault is still there, and how to undo it",
    patience,
    async () => {
      lines.length = 0;
      const inputs = { action: "pause", target: "client-1", for: "5m" };
      const step = cluster.job.start(inputs, join(root, "fault"));
      const isHeld = () => lines.some((line) => line.includes("The fault lasts for 300 s"));
      while (step.process.exitCode === null && !isHeld()) await sleep(20);
      step.process.kill("SIGINT");
      const canceled = await step.result;
      expect(canceled.exitCode).toBe(1);
      expect(canceled.log).toContain("The `fault` step was canceled");
      expect(canceled.log).toContain("can undo it: `action: resume`, `target: client-1`");
      expect(canceled.summary).toContain("**The step failed: Canceled**");
      expect(timelineIn(canceled).map(({ event }) => event)).toContain("effect");
      expect(timelineIn(canceled).map(({ event }) => event)).not.toContain("undo");

      const resumed = await fault(cluster, "resume", "client-1");
      expect(timelineIn(resumed).map(({ event }) => event)).toEqual(
        expect.arrayContaining(["undo", "applied", "write", "back"]),
      );
    },
  );
});
