/** The action `remove`: a cluster goes while its job goes on, and the next one takes its place. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { root } from "../../script/runner.ts";
import { ownJob } from "../support/actions.ts";
import { errorsOf, saidBy } from "../support/annotations.ts";
import { nodeOf, testInputs, type Up, up } from "../support/cluster.ts";
import { aliveMembers } from "../support/consul.ts";
import { docker, engineHoldings, testImage } from "../support/engine.ts";
import { consulCommand } from "../support/later-step.ts";
import { freePorts } from "../support/ports.ts";

let before: string[];
let temp: string;
beforeEach(async () => {
  before = await engineHoldings();
  temp = mkdtempSync(join(tmpdir(), "remove-"));
});
afterEach(async () => {
  rmSync(temp, { recursive: true, force: true });
  expect(await engineHoldings()).toEqual(before);
});

const options = () => ({ env: { ...ownJob().env, RUNNER_TEMP: temp } });

const remove = ({ job }: Pick<Up, "job">, inputs: Readonly<Record<string, string>> = {}) =>
  job.main(inputs, join(root, "remove"));

const idOf = ({ outputs }: Pick<Up, "outputs">) => outputs["cluster-id"] ?? "";

/** Runs the post step of a cluster that is gone: it says so in one line. */
async function expectNothingLeft(cluster: Up) {
  const post = await cluster.down();
  expect(post.exitCode).toBe(0);
  expect(saidBy(post)).toEqual([`Nothing is left to remove of cluster ${idOf(cluster)}.`]);
}

test("a secured cluster makes room for an open one on the same ports", async () => {
  const [http, dns, grpc] = await freePorts(3);
  const ports = {
    ...{ "http-port": String(http), "dns-port": String(dns), "grpc-port": String(grpc) },
  };
  const security = { acl: "true", tls: "true", cli: "true" };
  const first = await up({ servers: "1", cleanup: "false", ...ports, ...security }, options());
  const exported = Object.keys(first.result.env);
  expect(exported).toContain("CONSUL_CACERT");
  const removal = await remove(first);
  expect(removal.exitCode, removal.log).toBe(0);
  expect(removal.log).toContain(`Cluster ${idOf(first)} removed: 1 container,`);
  expect(removal.log).not.toContain("::warning");
  expect(removal.env).toEqual(Object.fromEntries(exported.map((name) => [name, ""])));
  expect(existsSync(dirname(first.outputs["ca-cert"] ?? ""))).toBe(false);
  expect(readdirSync(temp)).toEqual([]);
  expect(await engineHoldings()).toEqual(before);

  const second = await first.job.main(testInputs({ servers: "1", cli: "true", ...ports }));
  expect(second.exitCode, second.log).toBe(0);
  const next = { ...first, result: { ...second, env: { ...removal.env, ...second.env } } };
  const members = await consulCommand(next, ["members"]);
  expect(members.stdout, members.stderr).toMatch(/server-1 .* alive /);
  // What the removal spares the next cluster.
  const CONSUL_CACERT = first.outputs["ca-cert"] ?? "";
  const stale = await consulCommand(next, ["members"], { env: { CONSUL_CACERT } });
  expect(stale.stderr).toContain(CONSUL_CACERT);

  expect((await first.job.post(second)).log).toContain("removed: 1 container,");
  await expectNothingLeft(first);
});

test("of several clusters the one that is named goes; the variables of the other stay", async () => {
  const job = options();
  const gone = await up({ servers: "1", "export-env": "false" }, job);
  const kept = await up({ servers: "1" }, job);
  const { CONSUL_HTTP_ADDR = "" } = kept.result.env;
  const unclear = await remove(kept);
  expect(errorsOf(unclear)).toMatchObject([{ title: "Invalid input: cluster" }]);
  for (const cluster of [gone, kept])
    expect(errorsOf(unclear)[0]?.message).toContain(idOf(cluster));

  const removal = await remove(kept, { cluster: idOf(gone) });
  expect(removal.log).toContain(`Cluster ${idOf(gone)} removed: 1 container,`);
  expect(removal.env).toEqual({});
  expect(await aliveMembers(CONSUL_HTTP_ADDR)).toEqual(["server-1"]);
  await expectNothingLeft(gone);

  // The only one that is left, and with variables that the job itself keeps.
  const last = await remove(kept, { "export-env": "false" });
  expect(last.log).toContain(`Cluster ${idOf(kept)} removed: 1 container,`);
  expect(last.env).toEqual({});
  for (const inputs of [{}, { cluster: idOf(kept) }]) {
    const again = await remove(kept, inputs);
    expect(again.exitCode).toBe(0);
    expect(again.log).toContain("::warning title=Nothing to remove::The engine has nothing of ");
  }
  await expectNothingLeft(kept);
});

test("a step at work is ended, and the logs of a failed job are saved first", async () => {
  const lines: string[] = [];
  const onLine = (line: string) => void lines.push(line);
  const cluster = await up({ servers: "1", clients: "1" }, { ...options(), onLine });
  const inputs = { action: "kill", target: "client-1" };
  const fault = cluster.job.start(inputs, join(root, "fault"));
  while (!lines.some((line) => line.includes("Waiting until"))) await sleep(20);
  cluster.job.status = "failure";
  const removal = await remove(cluster);
  expect(removal.exitCode, removal.log).toBe(0);
  expect(removal.log).toContain("1 step still running: ended");
  expect(removal.log).toContain("removed: 2 containers,");
  expect((await fault.result).log).toContain("::error title=Canceled::");
  const saved = readdirSync(cluster.outputs.logs ?? "");
  expect(saved).toEqual(expect.arrayContaining(["client-1.log", "server-1.json", "raft.json"]));
  await expectNothingLeft(cluster);
});

test("what can't be removed is named, and the post step removes it later", async () => {
  const cluster = await up({ servers: "1", storage: "disk" }, options());
  const { container } = nodeOf(cluster, "server-1");
  const holder = `holder-${idOf(cluster)}`;
  await docker(
    ...["run", "--detach", `--name=${holder}`, `--volumes-from=${container}`],
    ...["--entrypoint=sleep", testImage(), "600"],
  );
  const removal = await remove(cluster);
  await docker("rm", "--force", holder);
  expect(removal.exitCode).toBe(1);
  expect(removal.env).toEqual({});
  const [error] = errorsOf(removal);
  expect(error?.title).toBe(`Cluster ${idOf(cluster)} was not removed`);
  expect(error?.message).toMatch(
    /^Not everything could be removed\. To remove what is left: docker ps .*\nStill there:\n {2}.*volume is in use/,
  );
  const post = await cluster.down();
  expect(post.log).toContain("removed: 0 containers,");
});
