/** The action `logs`: evidence that a later step of the same job can upload, whatever is broken. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { root } from "../../script/runner.ts";
import { fault, ownJob } from "../support/actions.ts";
import { nodeOf, type Up, up } from "../support/cluster.ts";
import { docker } from "../support/engine.ts";
import { RecordedJob } from "../support/record.ts";

let temp: string;
beforeEach(() => {
  temp = mkdtempSync(join(tmpdir(), "logs-"));
});
afterEach(() => rmSync(temp, { recursive: true, force: true }));

const options = () => ({ env: { ...ownJob().env, RUNNER_TEMP: temp } });
const views = ["leader.json", "members.json", "raft.json"];
const filesOf = (...nodes: string[]) =>
  [...nodes.flatMap((node) => [`${node}.json`, `${node}.log`]), ...views].sort();

/** Runs the action as a step of the cluster's job; it must succeed. */
async function gather({ job }: Pick<Up, "job">, inputs: Readonly<Record<string, string>> = {}) {
  const result = await job.main(inputs, join(root, "logs"));
  expect(result.exitCode, result.log).toBe(0);
  const { logs = "" } = result.outputs;
  return { result, folders: logs.split("\n").filter((line) => line !== "") };
}

const jsonIn = (folder: string, name: string) =>
  JSON.parse(readFileSync(join(folder, name), "utf8"));

test("a node is killed: the files are there before the job ends, without secrets", async () => {
  const secret = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=";
  const config = `{"encrypt": "${secret}"}`;
  const inputs = { clients: "1", acl: "true", config, env: "MY_TOKEN=tiny", logs: "never" };
  const cluster = await up(inputs, options());
  await fault(cluster, "kill", "follower");
  cluster.job.status = "failure";
  const { result, folders } = await gather(cluster);
  const [folder = ""] = folders;
  expect(folders).toEqual([join(temp, `consul-${cluster.outputs["cluster-id"]}-logs`)]);
  const files = filesOf("client-1", "server-1", "server-2", "server-3");
  expect(readdirSync(folder).sort()).toEqual(files);
  const text = files.map((name) => readFileSync(join(folder, name), "utf8")).join("");
  expect(text).toContain("MY_TOKEN=***");
  const token = cluster.outputs["http-token"] ?? "";
  expect(token).not.toBe("");
  for (const hidden of [secret, "tiny", token]) {
    expect(text).not.toContain(hidden);
    expect(result.rawLog).not.toContain(hidden);
  }
  const groups = result.log.match(/^::group::.*$/gm) ?? [];
  expect(groups[0]).toMatch(/^::group::server-\d exited with code 137$/);
  expect(groups).toHaveLength(4);
  const leader = Object.values(jsonIn(folder, "leader.json"));
  expect(leader).toHaveLength(3);
  expect(new Set(leader).size).toBe(1);
  await cluster.down();
  // They outlive the cluster: an upload may come later.
  expect(readdirSync(folder).sort()).toEqual(files);
});

test("all nodes are stopped or paused: their logs are there, and nobody is asked", async () => {
  const cluster = await up({ clients: "1", acl: "true" }, options());
  for (const name of ["server-1", "server-2", "server-3"])
    await docker("pause", nodeOf(cluster, name).container);
  await docker("kill", nodeOf(cluster, "client-1").container);
  const { folders } = await gather(cluster);
  const [folder = ""] = folders;
  expect(readdirSync(folder).sort()).toEqual(
    filesOf("client-1", "server-1", "server-2", "server-3"),
  );
  expect(readFileSync(join(folder, "server-1.log"), "utf8")).toContain("Consul agent running");
  expect(views.map((name) => jsonIn(folder, name))).toEqual([{}, {}, {}]);
  await cluster.down();
});

test("no container is left: the step says so, and does not fail", async () => {
  const cluster = await up({ servers: "1" }, options());
  await docker("rm", "--force", "--volumes", nodeOf(cluster, "server-1").container);
  for (const inputs of [{}, { cluster: cluster.outputs["cluster-id"] ?? "" }]) {
    const { result, folders } = await gather(cluster, inputs);
    expect(folders).toEqual([]);
    expect(result.log).toContain("::warning title=No logs::The engine has no containers of ");
  }
  await cluster.down();
});

test("several clusters: one folder each, or that of the one named", async () => {
  const job = options();
  const [first, second] = [await up({ servers: "1" }, job), await up({ servers: "1" }, job)];
  const ids = [first, second].map(({ outputs }) => outputs["cluster-id"] ?? "");
  const { folders } = await gather(second);
  expect(folders).toEqual(ids.toSorted().map((id) => join(temp, `consul-${id}-logs`)));
  for (const folder of folders) expect(readdirSync(folder).sort()).toEqual(filesOf("server-1"));
  const one = await gather(second, { cluster: ids[0] ?? "" });
  expect(one.folders).toEqual([join(temp, `consul-${ids[0]}-logs`)]);
  await Promise.all([first.down(), second.down()]);
});

test("a folder that can't be written, and an input that is no ID, fail the step", async () => {
  const cluster = await up({ servers: "1" }, options());
  const job = new RecordedJob({ env: { ...options().env, RUNNER_TEMP: "/proc/self" } });
  const cannot = await job.main(
    { cluster: cluster.outputs["cluster-id"] ?? "" },
    join(root, "logs"),
  );
  expect(cannot.exitCode).toBe(1);
  expect(cannot.log).toMatch(
    /^::error title=Can't write to the runner's disk::Can't write \/proc/m,
  );
  const wrong = await job.main({ cluster: "$(id)" }, join(root, "logs"));
  expect(wrong.exitCode).toBe(1);
  expect(wrong.log).toContain("::error title=Invalid input%3A cluster::");
  job.dispose();
  await cluster.down();
  expect(existsSync(join(temp, `consul-${cluster.outputs["cluster-id"]}-logs`))).toBe(false);
});
