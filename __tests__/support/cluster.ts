/** Starting and removing real clusters as a job's steps do: with the committed dist, never with src. */
import * as z from "zod";
import type { Job, JobOptions, StepResult } from "../../script/runner.ts";
import { docker, testImage } from "./engine.ts";
import { RecordedJob, recordAgents } from "./record.ts";

/** Names of these containers' volumes: a volume that an image declares has no label, unless we set one. */
async function volumesOf(containers: readonly string[]): Promise<string[]> {
  const format = "--format={{range .Mounts}}{{println .Name}}{{end}}";
  const names = await docker("container", "inspect", format, ...containers);
  return names.split("\n").filter((name) => name !== "");
}

/** A node in the output `nodes`. */
export const nodeSchema = z.object({
  name: z.string(),
  role: z.enum(["server", "client"]),
  datacenter: z.string(),
  container: z.string(),
  ip: z.string(),
  http: z.url(),
  dns: z.string(),
  grpc: z.string(),
});
export type ClusterNode = z.infer<typeof nodeSchema>;

export interface Up {
  readonly job: Job;
  readonly result: StepResult;
  readonly outputs: Readonly<Record<string, string>>;
  readonly nodes: readonly ClusterNode[];
  /** Runs the post step, which must succeed, and tidies up the job. */
  readonly down: () => Promise<StepResult>;
}

/** The node of this name. */
export function nodeOf({ nodes }: Pick<Up, "nodes">, name: string): ClusterNode {
  const found = nodes.find((node) => node.name === name);
  if (!found) throw new Error(`the cluster has no ${name}`);
  return found;
}

/** Inputs for the image under test and free ports, so that tests don't collide with your clusters. */
export function testInputs(inputs: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    // A test that gives a version tests that one.
    ...("version" in inputs ? {} : { image: testImage() }),
    "http-port": "0",
    "dns-port": "0",
    "grpc-port": "0",
    ...inputs,
  };
}

/** Clusters that are up. */
const clustersUp = new Set<Up>();

/** Removes the clusters of tests that failed before they could. */
export async function removeClustersLeft(): Promise<void> {
  await Promise.all([...clustersUp].map(({ down }) => down()));
}

/** Starts a cluster as a job's step would. */
export async function up(
  inputs: Readonly<Record<string, string>> = {},
  options: JobOptions = {},
): Promise<Up> {
  const job = new RecordedJob(options);
  const result = await job.main(testInputs(inputs));
  if (result.exitCode !== 0) {
    await job.post();
    job.dispose();
    throw new Error(`the cluster did not start:\n${result.log}`);
  }
  const nodes = z.array(nodeSchema).parse(JSON.parse(result.outputs.nodes ?? ""));
  const containers = nodes.map(({ container }) => container);
  const volumes = await volumesOf(containers);
  const down = async () => {
    clustersUp.delete(cluster);
    await recordAgents(result.outputs["cluster-id"] ?? "", containers);
    // The job may have run other main steps since.
    const post = await job.post(result);
    job.dispose();
    if (post.exitCode !== 0) throw new Error(`the post step failed:\n${post.log}`);
    const left = (await docker("volume", "ls", "--quiet")).split("\n");
    const forgotten = volumes.filter((name) => inputs.cleanup !== "false" && left.includes(name));
    if (forgotten.length > 0) throw new Error(`volumes are left: ${forgotten.join(", ")}`);
    return post;
  };
  const cluster = { job, result, outputs: result.outputs, nodes, down };
  clustersUp.add(cluster);
  return cluster;
}
