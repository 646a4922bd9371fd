/** Steps that are killed, or run on, while they create something; and two steps at once. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from "vitest";
import { type RunningStep, root, runId } from "../../script/runner.ts";
import { ownJob } from "../support/actions.ts";
import { errorsOf } from "../support/annotations.ts";
import { type ClusterNode, testInputs, up } from "../support/cluster.ts";
import { docker, engineHoldings } from "../support/engine.ts";
import { engineProxy, neverLed } from "../support/failures.ts";
import { twoVersions } from "../support/images.ts";
import { containerEnv, jobContainer } from "../support/job-container.ts";
import { RecordedJob } from "../support/record.ts";

let before: string[];
beforeAll(async () => {
  before = await engineHoldings();
});
afterEach(async () => {
  expect(await engineHoldings()).toEqual(before);
});

const folderOf = (action: string) => join(root, action);

/** Resolves once a step has logged these words. */
async function untilSaid(step: RunningStep, lines: readonly string[], words: string) {
  while (!lines.some((line) => line.includes(words))) {
    if (step.process.exitCode !== null) throw new Error(`ended before "${words}"`);
    await sleep(10);
  }
}

describe("nothing is left of a step that was killed while the engine is slow to create: ", () => {
  /** Milliseconds that the engine takes to create a container: longer than post needs to begin. */
  const slow = 6000;
  let proxy: Awaited<ReturnType<typeof engineProxy>>;
  let lines: string[];
  beforeEach(async () => {
    proxy = await engineProxy();
    lines = [];
  });
  afterEach(() => {
    proxy.cut();
  });

  const options = () => {
    const env = { ...ownJob().env, DOCKER_HOST: proxy.host };
    return { env, debug: true, onLine: (line: string) => lines.push(line) };
  };
  const holdCreations = () => proxy.hold(/\/containers\/create/, slow);

  /** Kills a step once it creates a container. */
  async function killAt(step: RunningStep, command: string) {
    await untilSaid(step, lines, `::debug::docker ${command}`);
    // The CLI takes a moment to ask the engine.
    await sleep(400);
    step.process.kill("SIGKILL");
    expect((await step.result).signal).toBe("SIGKILL");
  }

  async function expectNothingLeft(post: { exitCode: number | null; log: string }) {
    expect(post.exitCode).toBe(0);
    const [, clusterId = ""] = /Cluster (\w+) removed/.exec(post.log) ?? [];
    expect(clusterId, post.log).not.toBe("");
    expect(post.log).not.toContain("::warning");
    // Whether it would have been too late depends on the machine.
    expect(post.log).toMatch(/\d docker commands? of a killed step ended/);
    // Until the engine would have created what the step had asked for.
    await sleep(slow + 500);
    expect(await engineHoldings()).toEqual(before);
    // A container that holds an address has no label of the job.
    const label = `--filter=label=consul-cluster-action.cluster=${clusterId}`;
    expect(await docker("ps", "--all", "--format={{.Names}}", label)).toBe("");
  }

  test("a start of a secured cluster", async () => {
    const job = new RecordedJob(options());
    holdCreations();
    const security = { acl: "true", tls: "true", "gossip-encryption": "true" };
    const step = job.start(testInputs({ servers: "3", clients: "3", ...security }));
    await killAt(step, "create");
    await expectNothingLeft(await job.post());
    job.dispose();
  });

  test("an upgrade", async () => {
    const [older, newer] = await twoVersions();
    const inputs = { servers: "1", storage: "disk", image: older.image };
    const { job, result } = await up(inputs, options());
    holdCreations();
    const step = job.start({ image: newer.image }, folderOf("upgrade"));
    await killAt(step, "create");
    await expectNothingLeft(await job.post(result));
    job.dispose();
  });

  test("a fault", async () => {
    const { job, nodes, result } = await up({ servers: "1", clients: "2" }, options());
    const clients = nodes.filter(({ role }) => role === "client");
    const targets = "client-1, client-2";
    const kill = await job.main({ action: "kill", target: targets }, folderOf("fault"));
    expect(kill.exitCode, kill.log).toBe(0);
    lines.length = 0;
    holdCreations();
    // The client with the higher address: a container holds the other address meanwhile.
    const [, target = ""] = clients.toSorted(byAddress).map(({ name }) => name);
    const step = job.start({ action: "start", target }, folderOf("fault"));
    await killAt(step, "run");
    await expectNothingLeft(await job.post(result));
    job.dispose();
  });
});

const byAddress = (a: ClusterNode, b: ClusterNode) =>
  a.ip.localeCompare(b.ip, "en", { numeric: true });

describe("in a job container, which the runner's signals don't reach", () => {
  const network = `interrupted-${runId}`;
  let folder: string;
  beforeAll(async () => {
    await docker("network", "create", network);
    folder = mkdtempSync(join(tmpdir(), "interrupted-"));
  });
  afterAll(async () => {
    await docker("network", "rm", network);
    rmSync(folder, { recursive: true });
  });

  test("post ends the main step that runs on, then removes the cluster", async () => {
    const lines: string[] = [];
    const container = await jobContainer(folder, network, []);
    onTestFinished(async () => {
      await container.remove();
    });
    const env = { ...ownJob().env, ...containerEnv };
    const onLine = (line: string) => lines.push(line);
    const job = new RecordedJob({ ...container.options, env, onLine });
    const inputs = { ...neverLed, timeout: "60s" };
    const step = job.start(testInputs(inputs));
    await untilSaid(step, lines, " of 3 alive");
    // This ends `docker exec`, and not the process in the container.
    step.process.kill("SIGKILL");
    await step.result;
    const post = await job.post();
    expect(post.log).toContain("1 step still running: ended");
    expect(post.log).toMatch(/Cluster \w+ removed: 3 containers/);
    expect(post.log).not.toContain("::warning");
    expect(await engineHoldings()).toEqual(before);
    job.dispose();
  });
});

test("of two faults at once, the second is refused with the first named", async () => {
  const lines: string[] = [];
  const onLine = (line: string) => lines.push(line);
  const { job, result } = await up({ servers: "3" }, { ...ownJob(), onLine });
  const first = job.start({ action: "kill", target: "leader" }, folderOf("fault"));
  await untilSaid(first, lines, "Waiting until");
  const second = await job.main({ action: "restart", target: "follower" }, folderOf("fault"));
  expect(second.exitCode).toBe(1);
  expect(errorsOf(second)).toMatchObject([{ title: "Another step is working on this cluster" }]);
  const named = `The \`fault\` step with \`action: kill\` (process ${first.process.pid})`;
  expect(errorsOf(second)[0]?.message).toContain(named);
  const ended = await first.result;
  expect(ended.exitCode, ended.log).toBe(0);

  const last = await job.main({ action: "start" }, folderOf("fault"));
  expect(last.exitCode, last.log).toBe(0);
  const post = await job.post(result);
  expect(post.log).toMatch(/removed: 3 containers/);
  job.dispose();
});
