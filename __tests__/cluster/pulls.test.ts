/** Starting a cluster with an image from a real registry that fails on demand. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { StepResult } from "../../script/runner.ts";
import { errorsOf } from "../support/annotations.ts";
import { testInputs } from "../support/cluster.ts";
import { docker } from "../support/engine.ts";
import { scratch } from "../support/failures.ts";
import { RecordedJob } from "../support/record.ts";
import { type FailingRegistry, registry } from "../support/registry.ts";

let hub: FailingRegistry;
let official: string;

beforeAll(async () => {
  hub = await registry();
  official = await hub.push("hashicorp/consul", "1");
});

afterAll(async () => {
  await forget();
  await hub.stop();
});

/** Removes what was pulled, so that the next test pulls again. The image under test stays. */
async function forget(): Promise<void> {
  for (const tag of ["1", "arm"]) await docker("rmi", `${official}:${tag}`).catch(() => "");
}

beforeEach(async () => {
  await forget();
  hub.fail(() => undefined);
  hub.seen.length = 0;
});

async function failing(inputs: Record<string, string>): Promise<StepResult> {
  const job = new RecordedJob();
  const result = await job.main({ ...testInputs({ servers: "1" }), ...inputs });
  await job.post();
  job.dispose();
  expect(result.exitCode).toBe(1);
  return result;
}

test("a version that no registry has: the message lists what was tried", async () => {
  const result = await failing({ image: official, version: "9.9.9" });
  expect(errorsOf(result)).toMatchObject([{ title: "Image not found" }]);
  expect(errorsOf(result)[0]?.message).toContain(`${official}:9.9.9`);
  expect(hub.seen.filter((line) => line.includes("/manifests/9.9.9")).length).toBeLessThan(5);
});

test("a version that no tag can be is refused before any registry or engine is asked", async () => {
  const { folder, remove } = scratch();
  const file = join(folder, ".tool-versions");
  writeFileSync(file, "nodejs 24\nconsul 1.8.x\n");
  for (const [inputs, meant] of [
    [{ version: "1.1", image: "hashicorp/consul" }, "1.10"],
    [{ "version-file": file, image: "hashicorp/consul" }, "1.8"],
  ] as const) {
    const result = await failing(inputs);
    expect(errorsOf(result)).toMatchObject([{ title: `Invalid input: ${Object.keys(inputs)[0]}` }]);
    expect(result.log).toContain(`Did you mean "${meant}"?`);
    expect(result.log).not.toContain("Prepare image");
  }
  remove();
});

test("pull: never asks no registry", async () => {
  const result = await failing({ image: official, version: "1", pull: "never" });
  expect(errorsOf(result)).toMatchObject([{ title: "Image not on the engine" }]);
  expect(hub.seen).toEqual([]);
});

test("a rate limit without a second registry: log in", async () => {
  hub.fail((path) => (path.includes("/manifests/") ? "rate-limit" : undefined));
  const result = await failing({ image: official, version: "1" });
  expect(errorsOf(result)).toMatchObject([{ title: "Pull rate limit reached" }]);
  expect(errorsOf(result)[0]?.message).toContain("docker/login-action");
  // A limit does not pass within a job, so it is not tried again. Engines do so by themselves: Docker 29
  // asks five times at once, podman 20 times in two minutes.
  expect(result.log.match(/^::debug::docker pull /gm)).toHaveLength(1);
});

test("an image for another platform", async () => {
  const { folder, remove } = scratch();
  const program = join(folder, "foreign");
  // The header of an ELF program for arm64: a kernel of amd64 reads no further.
  const head = Buffer.from("7f454c460201010000000000000000000200b70001000000", "hex");
  writeFileSync(program, Buffer.concat([head, Buffer.alloc(4096)]), { mode: 0o755 });
  const container = await docker("create", testInputs().image ?? "");
  await docker("cp", program, `${container}:/bin/foreign`);
  const archive = join(folder, "image.tar");
  await docker("export", "-o", archive, container);
  await docker("rm", "-v", container);
  const change = ["--platform=linux/arm64", "--change", 'ENTRYPOINT ["/bin/foreign"]'];
  await docker("import", ...change, archive, `${official}:arm`);
  await docker("push", "--quiet", `${official}:arm`);
  await docker("rmi", `${official}:arm`);
  remove();
  const result = await failing({ image: official, version: "arm" });
  expect(result.log).toContain(`${official}:arm is not on this engine: pulling it`);
  const [error] = errorsOf(result);
  expect(error?.title).toBe("server-1 can't run on this platform");
  // Engines before 23 import for their own platform, whatever --platform says.
  const format = "--format={{.Os}}/{{.Architecture}}";
  const platform = await docker("image", "inspect", format, `${official}:arm`);
  expect(error?.message).toContain(`is for ${platform}, and the engine runs linux/`);
});
