/** The package from npm, installed elsewhere: up, a second up, down, and Ctrl-C. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { root, runId } from "../../script/runner.ts";
import { engineHoldings, ownContainers, run, testImage } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { scratch } from "../support/failures.ts";

const { folder, remove } = scratch();
const state = join(folder, "state");
/** Where the person stands. */
const project = join(folder, "project/deep");

beforeAll(async () => {
  mkdirSync(project, { recursive: true });
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: root,
  });
  // What prepack prints comes before the JSON.
  const [packed] = z
    .array(z.object({ filename: z.string() }))
    .parse(JSON.parse(stdout.slice(stdout.search(/^\[$/m))));
  writeFileSync(join(folder, "package.json"), "{}");
  const quiet = ["--offline", "--no-audit", "--no-fund"];
  await run("npm", ["install", ...quiet, join(folder, packed?.filename ?? "")], { cwd: folder });
});

afterAll(async () => {
  await call("down");
  remove();
});

/** Starts the installed command, where the person stands, in a process group of its own. */
function begin(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const program = join(folder, "node_modules/.bin/consul-cluster-action");
  const own = { XDG_STATE_HOME: state, CONSUL_TEST_RUN_ID: runId };
  const env = { ...process.env, ...own, ...more };
  const child = spawn(program, args, { cwd: project, env, detached: true });
  return { child, ended: ended(child) };
}

async function ended(child: ChildProcess) {
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.on("data", (data) => {
      texts[name] += data;
    });
  const [code] = await once(child, "close");
  return { code: z.number().nullable().parse(code), ...texts };
}

const call = (...args: readonly string[]) => begin(args).ended;

/** The image under test, on ports that no other cluster has. */
const start = ["up", "--image", testImage(), "--ports", "auto"];

const summary = z.object({ id: z.string(), env: z.record(z.string(), z.string()) });

test("up, a second up, and down", async () => {
  writeFileSync(
    join(project, "consul-cluster.yml"),
    "datacenters: [{ name: here, servers: 1 }]\nkv: { greeting: hello }\n",
  );
  const first = await call(...start, "--cluster", "consul-cluster.yml", "--acl", "--format", "env");
  expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^export CONSUL_HTTP_/) });

  // A second one has the same to paste, and starts nothing.
  const holdings = await engineHoldings();
  const again = await call("up", "--format=env");
  expect(again.stdout).toBe(first.stdout);
  expect(again.stderr).toMatch(/^Cluster \w+ is up: http:/);
  const script = `${again.stdout}\nconsul kv get greeting; consul members -http-addr="$CONSUL_HTTP_ADDR"`;
  const { stdout } = await run("sh", ["-c", script]);
  expect(stdout).toMatch(/^hello\n[\s\S]*server-1 .*alive .* here /);

  const { id, env } = summary.parse(JSON.parse((await call("up", "--json")).stdout));
  expect(first.stdout).toContain(`export CONSUL_HTTP_TOKEN='${env.CONSUL_HTTP_TOKEN}'`);
  const other = await call("up", "--servers", "3");
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining("without --servers") });
  expect(await engineHoldings()).toEqual(holdings);

  expect(await call("down", "nonsense")).toMatchObject({
    code: 1,
    stderr: `No cluster nonsense is up: there are ${id}.\n`,
  });
  expect(await call("down", id)).toMatchObject({ code: 0 });
  expect(await engineHoldings()).toEqual([]);
  expect((await call("down")).stdout).toBe("Nothing is up.\n");
});

test("Ctrl-C removes what was started, and so does a step that fails", async () => {
  const { child, ended } = begin([...start, "--servers", "3", "--clients", "3"]);
  await eventually(ownContainers, (names) => names.length > 0);
  // As a terminal does it: to the whole group.
  process.kill(-(child.pid ?? 0), "SIGINT");
  const { code, stdout } = await ended;
  expect(stdout).toContain("Canceled: removing what was started");
  expect(code).toBe(130);
  expect(await engineHoldings()).toEqual([]);

  const failed = await call(...start, "--servers", "1", "--config", "nonsense = 1");
  expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining("nonsense") });
  expect(await engineHoldings()).toEqual([]);
  expect(readdirSync(join(state, "consul-cluster-action"))).toEqual([]);
});

test("a cluster whose up was killed is found by down", async () => {
  const { child, ended } = begin([...start, "--servers", "1"]);
  await eventually(ownContainers, (names) => names.length > 0);
  process.kill(child.pid ?? 0, "SIGKILL");
  await ended;
  const denied = { DOCKER_HOST: "unix:///nowhere/docker.sock" };
  expect(await begin(["down"], denied).ended).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("`docker ps` failed"),
  });
  const { code, stdout } = await call("down");
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/Cluster \w+ removed/),
  });
  expect(await engineHoldings()).toEqual([]);
});
