import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { cutOff } from "../../../src/fault/isolation.ts";
import { facts, fakeDocker } from "../find/fixtures.ts";

const isolated = () => {
  const docker = new Engine(new AbortController().signal, () => {});
  return cutOff(docker, "c0ffee00", { node: facts, state: "isolated", addresses: ["10.0.0.2"] });
};

/** What docker was called for, without the question whether the engine answers at all. */
const callsIn = (folder: string) =>
  readFileSync(join(folder, "calls"), "utf8")
    .trimEnd()
    .split("\n")
    .filter((call) => !call.startsWith("version "));

test("without any `ip` the step says so, and leaves no mark", async () => {
  const folder = fakeDocker(
    'echo "$1 $2" >>calls; if [ "$1" = run ]; then echo "there is no ip here" >&2; exit 1; fi',
  );
  await expect(isolated()).rejects.toThrow(
    /need the program `ip`.*Neither the image \S+ nor the engine's machine has it/,
  );
  expect(callsIn(folder)).toEqual(["volume create", "run --rm", "run --rm", "volume rm"]);
});

test("after another failure the mark stays, since some routes may be set", async () => {
  const folder = fakeDocker(
    'echo "$1 $2" >>calls; if [ "$1" = run ]; then echo "ip: RTNETLINK answers" >&2; exit 1; fi',
  );
  await expect(isolated()).rejects.toThrow("RTNETLINK");
  expect(callsIn(folder)).toEqual(["volume create", "run --rm"]);
});
