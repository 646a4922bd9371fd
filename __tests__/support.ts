/** What tests on real clusters share. They run the committed dist, never src. */
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import { consulImage } from "../script/consul-image.ts";
import { Job, type JobOptions, root, runId, type StepResult } from "../script/runner.ts";

const run = promisify(execFile);

let image: string | undefined;

/** The Consul image under test, see script/consul-image. */
export function testImage(): string {
  image ??= consulImage();
  return image;
}

/** Runs the docker CLI; fails with what it said. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await run("docker", args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout.trimEnd();
}

/**
 * Every container, network and volume of this test file's jobs, to compare before and after. They
 * are told by their label, since a machine does other things as well.
 */
export async function engineHoldings(): Promise<string[]> {
  const label = "consul-cluster-action.run";
  const kinds = {
    container: { listing: ["ps", "--all"], id: "{{.ID}}" },
    network: { listing: ["network", "ls"], id: "{{.ID}}" },
    volume: { listing: ["volume", "ls"], id: "{{.Name}}" },
  };
  const listings = await Promise.all(
    Object.entries(kinds).map(async ([kind, { listing, id }]) => {
      const format = `--format=${kind} ${id}\t{{.Label "${label}"}}`;
      const lines = await docker(...listing, `--filter=label=${label}`, format);
      const ours = lines.split("\n").filter((line) => line.includes(runId));
      return ours.map((line) => line.replace(/\t.*/, ""));
    }),
  );
  return listings.flat().sort();
}

/**
 * `docker run` arguments for a container with this machine's Node.js, docker CLI, engine, and
 * checkout of this repository.
 */
export async function runLikeThisMachine(): Promise<string[]> {
  const folders = ["/usr", "/lib", "/lib64", "/bin", root].filter(existsSync);
  const host = await docker("context", "inspect", "--format={{.Endpoints.docker.Host}}");
  return [
    ...folders.map((folder) => `--volume=${folder}:${folder}:ro`),
    `--volume=${host.replace("unix://", "")}:/var/run/docker.sock`,
  ];
}

/** Volumes of these containers: one that an image declares bears no label, unless we give it one. */
async function volumesOf(containers: readonly string[]): Promise<string[]> {
  const format = "--format={{range .Mounts}}{{println .Name}}{{end}}";
  const names = await docker("container", "inspect", format, ...containers);
  return names.split("\n").filter((name) => name !== "");
}

const nodeSchema = z.object({
  name: z.string(),
  role: z.enum(["server", "client"]),
  datacenter: z.string(),
  container: z.string(),
  ip: z.string(),
  http: z.url(),
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

/** Inputs on the image under test and on free ports, so that tests don't meet a cluster of yours. */
export function testInputs(inputs: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    // With a version given, that's what is tested.
    ...("version" in inputs ? {} : { image: testImage() }),
    "http-port": "0",
    "dns-port": "0",
    "grpc-port": "0",
    ...inputs,
  };
}

/** Starts a cluster as a job's step would. */
export async function up(
  inputs: Readonly<Record<string, string>> = {},
  options: JobOptions = {},
): Promise<Up> {
  const job = new Job(options);
  const result = await job.main(testInputs(inputs));
  if (result.exitCode !== 0) {
    await job.post();
    job.dispose();
    throw new Error(`the cluster did not start:\n${result.log}`);
  }
  const nodes = z.array(nodeSchema).parse(JSON.parse(result.outputs.nodes ?? ""));
  const volumes = await volumesOf(nodes.map(({ container }) => container));
  const down = async () => {
    // Other steps may have come in between.
    const post = await job.post(result);
    job.dispose();
    if (post.exitCode !== 0) throw new Error(`the post step failed:\n${post.log}`);
    const left = (await docker("volume", "ls", "--quiet")).split("\n");
    const forgotten = volumes.filter((name) => inputs.cleanup !== "false" && left.includes(name));
    if (forgotten.length > 0) throw new Error(`volumes are left: ${forgotten.join(", ")}`);
    return post;
  };
  return { job, result, outputs: result.outputs, nodes, down };
}

/** GETs a URL, which must answer with 2xx. */
export async function httpGet(url: string): Promise<string> {
  const response = await fetch(url);
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${body}`);
  return body;
}

/** Chrome or Chromium, in the order in which script/bootstrap looks for them. */
export function browserPath(): string {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = ["google-chrome", "chromium", "chromium-browser"]
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find(isExecutable);
  if (found === undefined) throw new Error("no Chrome or Chromium: run script/bootstrap --test");
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
