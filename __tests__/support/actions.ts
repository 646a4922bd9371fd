/** Steps of a job with the actions `fault` and `upgrade`. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { expect } from "vitest";
import * as z from "zod";
import { root, runId, type StepResult } from "../../script/runner.ts";
import type { Up } from "./cluster.ts";

/** Options of a separate job: its steps find its cluster whatever else the engine holds. */
export const ownJob = () => ({ env: { GITHUB_RUN_ID: `${runId}-${randomUUID()}` } });

/**
 * Consul's timers, shortened: for tests that check whether steps wait for them, not how long.
 * Without the cleanup, a server that was killed keeps its vote and needs no round of autopilot.
 */
export const fastTimers = `
  gossip_lan { probe_interval = "500ms", probe_timeout = "400ms" }
  performance { leave_drain_time = "100ms" }
  autopilot { cleanup_dead_servers = false }
`;

/** The same for partitions: an agent that is alone notices as soon as one that can ask others. */
export const hastyTimers = `
  gossip_lan { probe_interval = "500ms", probe_timeout = "400ms", suspicion_mult = 2 }
  performance { leave_drain_time = "100ms" }
  autopilot { cleanup_dead_servers = false }
`;

/** Runs a step of the job with the action `fault`; it must succeed, and print no secret. */
export async function fault(
  { job, outputs }: Up,
  action: string,
  target = "",
  more: Readonly<Record<string, string>> = {},
): Promise<StepResult> {
  const result = await job.main({ action, target, ...more }, join(root, "fault"));
  expect(result.exitCode, result.log).toBe(0);
  const { "http-token": token } = outputs;
  if (token) expect(result.rawLog).not.toContain(token);
  return result;
}

/** Runs a step of the job with the action `upgrade`, which may fail. */
export function upgrade({ job }: Up, inputs: Readonly<Record<string, string>>) {
  return job.main(inputs, join(root, "upgrade"));
}

const nodesSchema = z.array(z.object({ name: z.string(), state: z.string(), ip: z.string() }));
const nodesIn = ({ outputs }: StepResult) => nodesSchema.parse(JSON.parse(outputs.nodes ?? ""));

/** Each node's state, from a step's output `nodes`. */
export const statesIn = (step: StepResult) =>
  Object.fromEntries(nodesIn(step).map(({ name, state }) => [name, state]));

const apisSchema = z.array(
  z.object({ name: z.string(), http: z.string(), dns: z.string(), grpc: z.string() }),
);

/** Where each node's APIs are published, from any step's output `nodes`. */
export const apisIn = ({ outputs }: StepResult) =>
  Object.fromEntries(
    apisSchema.parse(JSON.parse(outputs.nodes ?? "")).map(({ name, ...apis }) => [name, apis]),
  );

/** Each node's address in the cluster's network, from a step's output `nodes`. */
export const addressesIn = (step: StepResult) =>
  Object.fromEntries(nodesIn(step).map(({ name, ip }) => [name, ip]));

const sidesSchema = z.array(z.object({ nodes: z.array(z.string()), leader: z.string() }));

/** The sides of a partition, from a step's output `sides`. */
export const sidesIn = ({ outputs }: StepResult) =>
  sidesSchema.parse(JSON.parse(outputs.sides ?? ""));
