/** Every step ends if `docker` is a shell script whose child holds the pipes, even one that hangs. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningStep, root } from "../../script/runner.ts";
import { fault, ownJob, statesIn, upgrade } from "../support/actions.ts";
import { errorsOf } from "../support/annotations.ts";
import { testInputs, type Up, up } from "../support/cluster.ts";
import { engineHoldings } from "../support/engine.ts";
import { wrappedDocker } from "../support/failures.ts";
import { twoVersions, type VersionedImage } from "../support/images.ts";
import { RecordedJob } from "../support/record.ts";

/** Milliseconds that the runner waits between SIGINT and SIGTERM. */
const runnersPatience = 7500;

const wrapper = wrappedDocker();
const lines: string[] = [];
let before: string[];
let newer: VersionedImage;
let cluster: Up;

beforeAll(async () => {
  const [older, other] = await twoVersions();
  newer = other;
  before = await engineHoldings();
  const env = { ...ownJob().env, ...wrapper.env };
  const onLine = (line: string) => lines.push(line);
  const inputs = { image: older.image, servers: "1", clients: "1", storage: "disk" };
  cluster = await up(inputs, { env, debug: true, onLine });
});
afterAll(async () => {
  await cluster.down();
  wrapper.remove();
  expect(await engineHoldings()).toEqual(before);
});

/** Sends SIGINT when the log has these words; the step must end before the runner's SIGTERM. */
async function cancel(step: RunningStep, log: readonly string[], words: string): Promise<string> {
  const isSaid = () => log.some((line) => line.includes(words));
  while (step.process.exitCode === null && !isSaid()) await sleep(5);
  step.process.kill("SIGINT");
  const sent = performance.now();
  const { exitCode, log: said } = await step.result;
  expect(performance.now() - sent).toBeLessThan(runnersPatience);
  expect(exitCode).toBe(1);
  expect(said).toContain("::error title=Canceled::");
  return said;
}

/** A main step of another job, canceled, and its post step. */
async function cancelMain(words: string, beforePost = () => {}): Promise<void> {
  const log: string[] = [];
  const onLine = (line: string) => log.push(line);
  const job = new RecordedJob({ env: { ...ownJob().env, ...wrapper.env }, debug: true, onLine });
  const said = await cancel(job.start(testInputs({ clients: "2" })), log, words);
  expect(said).toContain("The `cluster` step was canceled");
  beforePost();
  const post = await job.post();
  job.dispose();
  expect(post.exitCode).toBe(0);
  expect(post.log).not.toContain("::warning");
}

async function cancelFault(action: string, words: string): Promise<void> {
  lines.length = 0;
  const inputs = { action, target: "client-1" };
  const said = await cancel(cluster.job.start(inputs, join(root, "fault")), lines, words);
  expect(said).toContain("The `fault` step was canceled");
}

describe("a wrapper around docker", () => {
  test("main and post", async () => {
    const { down, nodes } = await up({ servers: "1" }, { env: wrapper.env });
    expect(nodes).toHaveLength(1);
    expect((await down()).log).not.toContain("::warning");
  });

  test.each(["docker network create", "docker run", " started"])("main, canceled at %j", (words) =>
    cancelMain(words),
  );

  test("fault", async () => {
    expect(statesIn(await fault(cluster, "kill", "client-1"))).toMatchObject({
      "client-1": "stopped",
    });
    await fault(cluster, "start", "client-1");
  });

  test("fault, canceled", async () => {
    await cancelFault("isolate", "docker events");
    await fault(cluster, "heal", "client-1");
  });

  test("upgrade", async () => {
    const { exitCode, log, outputs } = await upgrade(cluster, { image: newer.image });
    expect(exitCode, log).toBe(0);
    expect(outputs.version).toBe(newer.version);
  });
});

describe("a docker whose `ps` hangs for ever", () => {
  const failing = new RecordedJob({ env: { ...ownJob().env, ...wrapper.env } });
  const noAnswer = "`docker ps` failed: no answer within 20 s.";
  const errors = [
    { title: "Docker engine not reachable", message: expect.stringContaining(noAnswer) },
  ];

  beforeAll(() => wrapper.hang());
  afterAll(async () => {
    wrapper.recover();
    // The main step below has created a network.
    expect((await failing.post()).log).not.toContain("::warning");
    failing.dispose();
  });

  test.concurrent("main", async () => {
    expect(errorsOf(await failing.main(testInputs()))).toMatchObject(errors);
  });

  test.concurrent("fault", async () => {
    const inputs = { action: "kill", target: "leader" };
    const result = await cluster.job.main(inputs, join(root, "fault"));
    expect(errorsOf(result)).toMatchObject(errors);
  });

  test.concurrent("upgrade", async () => {
    expect(errorsOf(await upgrade(cluster, { image: newer.image }))).toMatchObject(errors);
  });

  test.concurrent("post", async () => {
    // Without debug, and after a job that went well, it gathers no evidence first.
    const job = new RecordedJob({ env: wrapper.env });
    const { exitCode, log } = await job.post(cluster.result);
    job.dispose();
    expect(exitCode).toBe(0);
    expect(log).toMatch(/::warning title=Cluster \w+ was not removed::/);
    expect(log).toContain(noAnswer);
  });
});

test("a cancellation while `docker ps` hangs", async () => {
  wrapper.hang();
  await cancelFault("kill", "docker ps");
  await cancelMain("docker ps", wrapper.recover);
});
