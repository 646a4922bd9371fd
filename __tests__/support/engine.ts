/** The Docker engine as tests use it: its CLI, the image under test, and what the tests left on it. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { consulImage } from "../../script/consul-image.ts";
import { root, runId } from "../../script/runner.ts";

export const run = promisify(execFile);

let image: string | undefined;

/** The Consul image under test, see script/consul-image. */
export function testImage(): string {
  image ??= consulImage();
  return image;
}

/**
 * Runs the docker CLI; fails with what it said. One that hangs ends before the test does, by the signal
 * that makes a Go program print what each goroutine waits for. The engine writes down the same of itself.
 */
export async function docker(...args: readonly string[]): Promise<string> {
  const command = run("docker", args, { maxBuffer: 64 * 1024 * 1024 });
  const limit = setTimeout(() => {
    command.child.kill("SIGQUIT");
    // Only for who looks into it later: the engine may be another user's.
    run("pkill", ["-USR1", "-x", "dockerd"]).catch(() => {});
  }, 100_000);
  try {
    return (await command).stdout.trimEnd();
  } finally {
    clearTimeout(limit);
  }
}

/** The label whose value tells the objects of this test file's jobs from all others. */
const runLabel = "consul-cluster-action.run";

/** Lists objects of this test file's jobs, each in a format of the docker CLI. */
async function ownObjects(listing: readonly string[], format: string): Promise<string[]> {
  const labeled = `--format=${format}\t{{.Label "${runLabel}"}}`;
  const lines = await docker(...listing, `--filter=label=${runLabel}`, labeled);
  const own = lines.split("\n").filter((line) => line.includes(runId));
  return own.map((line) => line.replace(/\t.*/, ""));
}

/** Every container, network and volume of this test file's jobs, to compare before and after. */
export async function engineHoldings(): Promise<string[]> {
  const listings = await Promise.all([
    ownObjects(["ps", "--all"], "container {{.ID}}"),
    ownObjects(["network", "ls"], "network {{.ID}}"),
    ownObjects(["volume", "ls"], "volume {{.Name}}"),
  ]);
  return listings.flat().sort();
}

/** Names of the running containers of this test file's jobs. */
export const ownContainers = () => ownObjects(["ps"], "{{.Names}}");

/**
 * `docker run` arguments for a container with this machine's Node.js, docker CLI, engine, and
 * checkout of this repository.
 */
export async function runLikeThisMachine(): Promise<string[]> {
  const folders = ["/usr", "/lib", "/lib64", "/bin", root].filter(existsSync);
  const host = await docker("context", "inspect", "--format={{.Endpoints.docker.Host}}");
  const socket = host.replace("unix://", "");
  // Where the CLI looks for it, with DOCKER_HOST and without.
  const sockets = new Set([socket, "/var/run/docker.sock"]);
  return [
    ...folders.map((folder) => `--volume=${folder}:${folder}:ro`),
    ...[...sockets].map((path) => `--volume=${socket}:${path}`),
  ];
}
