/** Clusters on the machines of script/machines/enter, and whether everything of them can be reached. */
import { join } from "node:path";
import { expect } from "vitest";
import * as z from "zod";
import { type JobOptions, root, type StepResult } from "../../script/runner.ts";
import { ownJob } from "./actions.ts";
import { nodeSchema, testInputs, type Up } from "./cluster.ts";
import { resolveByTcp, resolveByUdp } from "./consul.ts";
import { eventually } from "./eventually.ts";
import { grpcMediaType } from "./grpc.ts";
import { ask, credentials, query } from "./later-step.ts";
import { engines, holdings } from "./machines.ts";
import { RecordedJob } from "./record.ts";

const nodesSchema = z.array(nodeSchema.extend({ engine: z.string() }));
export type NodeOnMachine = z.output<typeof nodesSchema>[number];

/** Every node in the output `nodes` of a step. */
export const nodesOf = ({ outputs }: Pick<StepResult, "outputs">): NodeOnMachine[] =>
  nodesSchema.parse(JSON.parse(outputs.nodes ?? ""));

export interface UpOnMachines extends Up {
  readonly nodes: readonly NodeOnMachine[];
}

/** Starts a cluster whose agents are spread over all machines. When it goes down, every engine is empty. */
export async function upOnMachines(
  inputs: Readonly<Record<string, string>>,
  options: JobOptions = ownJob(),
): Promise<UpOnMachines> {
  const job = new RecordedJob(options);
  const result = await job.main(testInputs({ engines: engines.join(" "), ...inputs }));
  const down = async () => {
    const post = await job.post(result);
    job.dispose();
    expect(post.exitCode, post.log).toBe(0);
    await eventually(holdings, (held) => held.flat().length === 0);
    return post;
  };
  if (result.exitCode !== 0) {
    await down();
    throw new Error(`the cluster did not start:\n${result.log}`);
  }
  return { job, result, outputs: result.outputs, nodes: nodesOf(result), down };
}

/** Runs a step of another action in the cluster's job. */
export const step = ({ job }: Up, action: string, inputs: Readonly<Record<string, string>>) =>
  job.main(inputs, join(root, action));

const selfSchema = z.object({ Config: z.object({ NodeName: z.string() }) });

/** That each of these nodes answers at all of its addresses: HTTP, gRPC, and DNS by UDP and TCP. */
export async function expectAnswers(
  up: UpOnMachines,
  nodes: readonly NodeOnMachine[] = up.nodes,
): Promise<void> {
  const { ca } = credentials(up);
  await Promise.all(
    nodes.map(async (node) => {
      const { Config } = await query(up, node, "/v1/agent/self", selfSchema);
      expect(Config.NodeName).toBe(node.name);
      const media = grpcMediaType(node.grpc, grpcIsSecured(up) ? ca : undefined);
      expect(await media).toBe("application/grpc");
      const name = `${node.name}.node.consul`;
      expect(await resolveByUdp(node.dns, name)).toEqual([node.ip]);
      expect(await resolveByTcp(node.dns, name)).toEqual([node.ip]);
    }),
  );
}

const grpcIsSecured = ({ outputs }: Up) => (outputs["ca-cert"] ?? "") !== "";

/** Writes a large value through one node, and reads it through another. */
export async function expectLargeValue(up: UpOnMachines, to: NodeOnMachine, from: NodeOnMachine) {
  const body = "x".repeat(500_000);
  const known = credentials(up);
  expect(await ask(`${to.http}/v1/kv/large`, { ...known, body })).toMatchObject({ status: 200 });
  const read = await ask(`${from.http}/v1/kv/large?raw&consistent`, known);
  expect(read.body === body).toBe(true);
}
