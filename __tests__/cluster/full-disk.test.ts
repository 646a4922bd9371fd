/** A runner whose disk is full, or whose folder can't be written: each step says so. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../../script/runner.ts";
import { ownJob } from "../support/actions.ts";
import { errorsOf } from "../support/annotations.ts";
import { testInputs, type Up, up } from "../support/cluster.ts";
import { engineHoldings, testImage } from "../support/engine.ts";
import { RecordedJob } from "../support/record.ts";

let before: string[];
beforeAll(async () => {
  before = await engineHoldings();
});
afterAll(async () => {
  expect(await engineHoldings()).toEqual(before);
});

const cantWrite = [
  {
    title: "Can't write the runner's command files",
    message: expect.stringContaining("ENOSPC: no space left on device"),
  },
];

describe("a start", () => {
  test("that can't add the consul command to the path", async () => {
    const job = new RecordedJob({ commandFiles: { GITHUB_PATH: "/dev/full" } });
    const result = await job.main(testInputs({ servers: "1", cli: "true" }));
    const post = await job.post();
    job.dispose();
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)).toMatchObject(cantWrite);
    expect(post.log).toMatch(/Cluster \w+ removed/);
  });

  test.each([
    ["the consul command", "consul", { cli: "true" }],
    ["the CA's certificate", "ca\\.pem", { tls: "true" }],
  ])("that can't write %s", async (_, file, inputs) => {
    const job = new RecordedJob({ env: { RUNNER_TEMP: "/proc/self" } });
    const result = await job.main(testInputs({ servers: "1", ...inputs }));
    const post = await job.post();
    job.dispose();
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)).toMatchObject([{ title: "Can't write to the runner's disk" }]);
    expect(errorsOf(result)[0]?.message).toMatch(
      new RegExp(`^Can't write /proc/self/\\S+${file}: .* check that RUNNER_TEMP is a folder`),
    );
    expect(post.log).toMatch(/Cluster \w+ removed/);
  });
});

describe("on a full disk, the outputs of", () => {
  // All steps of a job have the same folder for temporary files.
  const env = { ...ownJob().env, RUNNER_TEMP: tmpdir() };
  let cluster: Up;
  beforeAll(async () => {
    cluster = await up({ servers: "1", clients: "1", storage: "disk" }, { env });
  });
  afterAll(() => cluster.down());

  test.each([
    ["fault", { action: "kill", target: "client-1", wait: "false" }],
    ["fault", { action: "start", target: "client-1" }],
    ["upgrade", { image: testImage() }],
  ])("a step with `%s` (%j)", async (action, inputs) => {
    const job = new RecordedJob({ env, commandFiles: { GITHUB_OUTPUT: "/dev/full" } });
    const result = await job.main(inputs, join(root, action));
    job.dispose();
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)).toMatchObject(cantWrite);
  });
});
