/** Which registry an image comes from, when the first one fails. */
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTar } from "nanotar";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Engine } from "../../src/docker/engine.ts";
import { findImage, type PullPolicy } from "../../src/docker/find-image.ts";
import { docker } from "../support/engine.ts";
import { scratch } from "../support/failures.ts";
import { type FailingRegistry, registry } from "../support/registry.ts";

let hub: FailingRegistry;
let second: FailingRegistry;
/** The repository in the registry that plays Docker Hub, and in the other. */
let [official, mirror]: [string, string] = ["", ""];

beforeAll(async () => {
  [hub, second] = await Promise.all([registry(), registry()]);
  official = await hub.push("hashicorp/consul", "1");
  mirror = await second.push("hashicorp/consul", "1");
});

afterAll(async () => {
  await forget();
  await Promise.all([hub.stop(), second.stop()]);
});

/** Removes what was pulled, so that the next test pulls again. The image under test stays. */
async function forget(): Promise<void> {
  for (const name of [official, mirror]) await docker("rmi", `${name}:1`).catch(() => "");
}

beforeEach(async () => {
  await forget();
  hub.fail(() => undefined);
  hub.seen.length = 0;
});

const mirrors = () => new Map([[official, mirror]]);

async function find(
  images: string[],
  lines: string[] = [],
  of = mirrors(),
  pull: PullPolicy = "missing",
) {
  const docker = new Engine(new AbortController().signal, () => {});
  const { signal } = new AbortController();
  return findImage({ docker, log: (line) => lines.push(line), signal }, { images, pull }, of);
}

test("an older repository is tried if the newer one has no such version", async () => {
  const image = await find([`${official}:9.9.9`, `${mirror}:1`]);
  expect(image.reference).toBe(`${mirror}:1`);
});

test("a rate limit: the second registry is used, and the log says so", async () => {
  hub.fail((path) => (path.includes("/manifests/") ? "rate-limit" : undefined));
  const lines: string[] = [];
  expect((await find([`${official}:1`], lines)).reference).toBe(`${mirror}:1`);
  expect(lines.join("\n")).toMatch(/can't be pulled\. Trying .* instead/);
  expect(lines.filter((line) => line.includes("pull rate limit"))).toHaveLength(1);
});

test("a connection that is cut halfway is tried again", async () => {
  let cuts = 0;
  hub.fail((path) => (path.includes("/manifests/") && cuts++ < 2 ? "cut" : undefined));
  const lines: string[] = [];
  expect((await find([`${official}:1`], lines)).reference).toBe(`${official}:1`);
  expect(cuts).toBeGreaterThan(2);
  expect(lines).toContain("Retrying in a moment");
  expect(lines.filter((line) => line.includes("EOF"))).toHaveLength(2);
});

/** Pushes an image with a layer that only the registry has. @returns its reference */
async function pushNewLayer(): Promise<string> {
  const { folder, remove } = scratch();
  const layer = join(folder, "layer.tar");
  writeFileSync(layer, createTar([{ name: "layer", data: randomUUID() }]));
  const image = `${hub.address}/slow:1`;
  await docker("import", layer, image);
  await docker("push", "--quiet", image);
  await docker("rmi", image);
  remove();
  return image;
}

test("a slow pull says every two seconds how far it is, and nothing more of its layers", async () => {
  const image = await pushNewLayer();
  hub.fail((path) => (path.includes("/blobs/") ? "slow" : undefined));
  const lines: string[] = [];
  await find([image], lines);
  await docker("rmi", image);
  const progress = lines.filter((line) => / of \d+ layers? downloaded/.test(line));
  expect(progress.length).toBeGreaterThanOrEqual(2);
  expect(progress[0]).toBe(`${image}: 0 of 1 layer downloaded`);
  expect(lines.join("\n")).not.toMatch(/Pulling (from|fs layer)|Waiting|complete/);
});

test("two registries that stay unavailable: the message names both", async () => {
  hub.fail(() => "unavailable");
  const nowhere = new Map([[official, "127.0.0.1:9/consul"]]);
  const failure = find([`${official}:1`], [], nowhere);
  await expect(failure).rejects.toThrow(/503.*127\.0\.0\.1:9\/consul:1, tried instead/s);
});

test("a rate limit, and the second registry has only the older name", async () => {
  hub.fail((path) => (path.includes("/manifests/") ? "rate-limit" : undefined));
  const older = `${hub.address}/consul`;
  const of = new Map([
    [official, `${second.address}/nothing/here`],
    [older, mirror],
  ]);
  const image = await find([`${official}:1`, `${older}:1`], [], of);
  expect(image.reference).toBe(`${mirror}:1`);
});

test("a rate limit, and the second registry has neither: the message names all four", async () => {
  hub.fail((path) => (path.includes("/manifests/") ? "rate-limit" : undefined));
  const older = `${hub.address}/consul`;
  const nothing = `${second.address}/nothing`;
  const of = new Map([
    [official, `${nothing}/new`],
    [older, `${nothing}/old`],
  ]);
  const failure = await find([`${official}:1`, `${older}:1`], [], of).catch(String);
  for (const name of [official, older, `${nothing}/new`, `${nothing}/old`])
    expect(failure).toContain(`${name}:1`);
});

test("pull: always asks the registry, also for an image that is here", async () => {
  await find([`${official}:1`]);
  hub.seen.length = 0;
  await find([`${official}:1`]);
  expect(hub.seen).toEqual([]);
  const lines: string[] = [];
  await find([`${official}:1`], lines, mirrors(), "always");
  expect(hub.seen.filter((path) => path.includes("/manifests/"))).not.toEqual([]);
  expect(lines[0]).toBe(`${official}:1 is pulled, as \`pull\` is always`);
});

test("pull: never asks no registry, and says what is missing", async () => {
  const failure = find([`${official}:1`], [], mirrors(), "never");
  await expect(failure).rejects.toThrow(`does not have ${official}:1, and \`pull\` is never`);
  expect(hub.seen).toEqual([]);
  await find([`${official}:1`]);
  expect((await find([`${official}:1`], [], mirrors(), "never")).reference).toBe(`${official}:1`);
});
