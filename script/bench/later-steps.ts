/** What steps on a running cluster take. */
import { join } from "node:path";
import { twoVersions } from "../engine/versions.ts";
import { Job, root, type StepResult } from "../runner.ts";
import { docker, timed } from "./docker.ts";
import { inputsOf } from "./target.ts";
import type { Sample } from "./ways.ts";

/** A `fault` step that does not wait for Consul. */
export const fault = (image: string): Promise<Sample> =>
  onCluster(image, 3, 3, async (job) => {
    const inputs = { action: "kill", target: "server-2", wait: "false" };
    return succeeded(await job.main(inputs, join(root, "fault"))).milliseconds;
  });

/** The docker command of the same. */
export const kill = (image: string): Promise<Sample> =>
  onCluster(image, 3, 3, async (_, { outputs }) => {
    const container = `consul-${outputs["cluster-id"]}-server-2`;
    return (await timed(() => docker("kill", container))).time;
  });

/** A rolling upgrade between this image and a copy with another version number, for each node. */
export async function upgrade(image: string): Promise<Sample> {
  const [older, newer] = await twoVersions(image);
  return onCluster(older.image, 3, 2, async (job) => {
    const step = await job.main({ image: newer.image }, join(root, "upgrade"));
    return succeeded(step).milliseconds / 5;
  });
}

/** @param measure - takes milliseconds */
async function onCluster(
  image: string,
  servers: number,
  clients: number,
  measure: (job: Job, start: StepResult) => Promise<number>,
): Promise<Sample> {
  const job = new Job();
  try {
    const start = succeeded(await job.main(inputsOf(image, servers, clients)));
    try {
      return { up: await measure(job, start) };
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
