/** What steps on a running cluster take. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Job, root, type StepResult } from "../runner.ts";
import { docker } from "./docker.ts";
import { inputsOf } from "./target.ts";
import type { Sample } from "./ways.ts";

/** All of a `fault` step but the wait for Consul. */
export const fault = (image: string): Promise<Sample> =>
  onCluster(image, 3, 3, async (job) => {
    const inputs = { action: "kill", target: "server-2", wait: "false" };
    return succeeded(await job.main(inputs, join(root, "fault"))).milliseconds;
  });

/** A rolling upgrade to another image of the same version, for each node. */
export async function upgrade(image: string): Promise<Sample> {
  const target = await rebuilt(image);
  try {
    return await onCluster(image, 3, 2, async (job) => {
      const step = await job.main({ image: target }, join(root, "upgrade"));
      return succeeded(step).milliseconds / 5;
    });
  } finally {
    await docker("rmi", target);
  }
}

/** @param measure - takes milliseconds */
async function onCluster(
  image: string,
  servers: number,
  clients: number,
  measure: (job: Job) => Promise<number>,
): Promise<Sample> {
  const job = new Job();
  try {
    const start = succeeded(await job.main(inputsOf(image, servers, clients)));
    try {
      return { up: await measure(job) };
    } finally {
      succeeded(await job.post(start));
    }
  } finally {
    job.dispose();
  }
}

function succeeded(step: StepResult): StepResult {
  if (step.exitCode !== 0) throw new Error(step.log);
  return step;
}

/** @returns an image with the same content and another ID */
async function rebuilt(image: string): Promise<string> {
  const target = `consul-cluster-action/bench:${randomUUID()}`;
  const container = await docker("create", "--pull=never", image);
  await docker("commit", "--change=LABEL rebuilt=yes", container, target);
  await docker("rm", container);
  return target;
}
