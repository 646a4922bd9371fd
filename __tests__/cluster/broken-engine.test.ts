import { expect, test } from "vitest";
import { testInputs } from "../support/cluster.ts";
import { engineHoldings } from "../support/engine.ts";
import { RecordedJob } from "../support/record.ts";

/** Runs main and post with a broken engine. @returns the only error, and both logs */
async function explain(env: Readonly<Record<string, string>>, inputs = testInputs()) {
  const job = new RecordedJob({ env });
  const main = await job.main(inputs);
  const post = await job.post();
  job.dispose();
  expect(main.exitCode).toBe(1);
  // A post step must not fail a job whose own steps passed.
  expect(post.exitCode).toBe(0);
  const errors = main.log.split("\n").filter((line) => line.startsWith("::error"));
  expect(errors).toHaveLength(1);
  return { error: errors[0] ?? "", main: main.log, post: post.log };
}

test("no engine", async () => {
  const { error, post } = await explain({ DOCKER_HOST: "unix:///nowhere/docker.sock" });
  expect(error).toMatch(
    /^::error title=Docker engine not reachable::.*no engine answers\. Start the engine/,
  );
  expect(post).toMatch(/^::warning title=Cluster \w+ was not removed::.*no engine answers/m);
});

test("no docker CLI", async () => {
  const { error } = await explain({ PATH: "/nowhere" });
  expect(error).toMatch(/^::error title=docker CLI not found::.*needs the docker CLI on the PATH/);
});

test("an image that no registry has", async () => {
  const before = await engineHoldings();
  // Nothing listens on that port.
  const inputs = { ...testInputs(), image: "127.0.0.1:1/no/consul:1" };
  const { error, main } = await explain({}, inputs);
  expect(main).toContain("127.0.0.1:1/no/consul:1 is not on this engine: pulling it");
  expect(error).toMatch(/`docker pull 127\.0\.0\.1:1\/no\/consul:1` failed: .*connection refused/);
  expect(await engineHoldings()).toEqual(before);
});
