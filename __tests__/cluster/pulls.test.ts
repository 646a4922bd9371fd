/** Pulling from a real registry that fails on demand. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Job, type StepResult } from "../../script/runner.ts";
import { Docker } from "../../src/docker/docker.ts";
import { findImage } from "../../src/docker/find-image.ts";
import { errorsOf, registry, scratch } from "../faults.ts";
import { docker, testInputs } from "../support.ts";

let hub: Awaited<ReturnType<typeof registry>>;
let second: Awaited<ReturnType<typeof registry>>;
/** Of the registry that plays Docker Hub, and of the other. */
let [official, mirror]: [string, string] = ["", ""];

beforeAll(async () => {
  [hub, second] = await Promise.all([registry(), registry()]);
  official = `${hub.address}/hashicorp/consul`;
  mirror = `${second.address}/hashicorp/consul`;
  for (const name of [official, mirror]) {
    await docker("tag", testInputs().image ?? "", `${name}:1`);
    await docker("push", "--quiet", `${name}:1`);
  }
});

afterAll(async () => {
  await forget();
  await Promise.all([hub.stop(), second.stop()]);
});

/** Removes what was pulled, so that the next test pulls again. The image under test stays. */
async function forget(): Promise<void> {
  for (const name of [`${official}:1`, `${mirror}:1`, `${official}:arm`])
    await docker("rmi", name).catch(() => "");
}

beforeEach(async () => {
  await forget();
  hub.fail(() => undefined);
  hub.seen.length = 0;
});

const mirrors = () => new Map([[official, mirror]]);

async function find(references: string[], lines: string[] = [], of = mirrors()) {
  const docker = new Docker(new AbortController().signal, () => {});
  const { signal } = new AbortController();
  return findImage(docker, references, (line) => lines.push(line), signal, of);
}

async function failing(inputs: Record<string, string>): Promise<StepResult> {
  const job = new Job();
  const result = await job.main({ ...testInputs({ servers: "1" }), ...inputs });
  await job.post();
  job.dispose();
  expect(result.exitCode).toBe(1);
  return result;
}

test("a version that no registry has: the message names what was tried", async () => {
  const result = await failing({ image: official, version: "9.9.9" });
  expect(errorsOf(result)).toMatchObject([{ title: "Image not found" }]);
  expect(errorsOf(result)[0]?.message).toContain(`${official}:9.9.9`);
  expect(hub.seen.filter((line) => line.includes("/manifests/9.9.9")).length).toBeLessThan(5);
});

test("an older repository is tried where the newer has no such version", async () => {
  const image = await find([`${official}:9.9.9`, `${mirror}:1`]);
  expect(image.reference).toBe(`${mirror}:1`);
});

test("a rate limit: the second registry is used, and this is said", async () => {
  hub.fail((path) => (path.includes("/manifests/") ? "rate-limit" : undefined));
  const lines: string[] = [];
  expect((await find([`${official}:1`], lines)).reference).toBe(`${mirror}:1`);
  expect(lines.join("\n")).toMatch(/can't be pulled .*pull rate limit.* Trying .* instead/);
});

test("a rate limit without a second registry: log in", async () => {
  hub.fail((path) => (path.includes("/manifests/") ? "rate-limit" : undefined));
  const result = await failing({ image: official, version: "1" });
  expect(errorsOf(result)).toMatchObject([{ title: "Pull rate limit reached" }]);
  expect(errorsOf(result)[0]?.message).toContain("docker/login-action");
  // A limit does not pass within a job, so it is not tried again and again.
  expect(hub.seen.filter((line) => line.includes("/manifests/")).length).toBeLessThan(5);
});

test("a connection that is cut half-way, then holds", async () => {
  let cuts = 0;
  hub.fail((path) => (path.includes("/manifests/") && cuts++ < 2 ? "cut" : undefined));
  const lines: string[] = [];
  expect((await find([`${official}:1`], lines)).reference).toBe(`${official}:1`);
  expect(cuts).toBeGreaterThan(2);
  expect(lines).toContain("Retrying in a moment");
});

test("a registry that does not come back, nor the second: both are told", async () => {
  hub.fail(() => "unavailable");
  const nowhere = new Map([[official, "127.0.0.1:9/consul"]]);
  const failure = find([`${official}:1`], [], nowhere);
  await expect(failure).rejects.toThrow(/503.*127\.0\.0\.1:9\/consul:1, tried instead/s);
});

test("an image that is made for another platform", async () => {
  const { folder, remove } = scratch();
  const program = join(folder, "foreign");
  // The head of an ELF program for arm64, more than which no kernel of amd64 reads of it.
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
  // Engines before 23 import for their own platform whatever they are told.
  const format = "--format={{.Os}}/{{.Architecture}}";
  const platform = await docker("image", "inspect", format, `${official}:arm`);
  expect(error?.message).toContain(`says that it is made for ${platform}, the engine runs linux/`);
});
