import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { Engines } from "../../../src/docker/engines.ts";
import { fakeDocker } from "../find/fixtures.ts";

/** Two engines: `a` has the container one, and `b`, a manager, has two. */
const script = `
echo "$*" >> calls
context="\${1#--context=}"; shift
case "$context $1 $2" in
"a ps --all") echo one;;
"b ps --all") echo two;;
"a network ls") case "$*" in *scope=swarm*) echo overlay;; *) echo bridge-a;; esac;;
"b network ls") case "$*" in *scope=swarm*) echo overlay;; *) echo bridge-b;; esac;;
"a logs one") echo "log of one";;
"b logs two") echo "log of two";;
"a kill one") exit 0;;
"b kill two") exit 0;;
"b network rm") exit 0;;
"a run --detach" | "b run --detach") exit 0;;
*" volume rm") exit 0;;
*) echo "no such container: $*" >&2; exit 1;;
esac
`;

function fake() {
  const folder = fakeDocker(script);
  const engine = new Engine(new AbortController().signal, () => {});
  const members = [
    { name: "a", engine: engine.on("a") },
    { name: "b", engine: engine.on("b") },
  ] as const;
  const calls = () => readFileSync(join(folder, "calls"), "utf8").trimEnd().split("\n").sort();
  return { engines: new Engines(members, "b"), calls };
}

test("listings have what all engines have, and the manager's networks of the swarm once", async () => {
  const { engines } = fake();
  expect(await engines.containers("label=x")).toEqual(["one", "two"]);
  expect(await engines.networks("label=x")).toEqual(["overlay", "bridge-a", "bridge-b"]);
});

test("a command about containers goes to the engines that have them", async () => {
  const { engines, calls } = fake();
  await engines.containers();
  await engines.change("kill", ["one", "two"]);
  expect(calls().filter((call) => call.includes(" kill "))).toEqual([
    "--context=a kill one",
    "--context=b kill two",
  ]);
});

test("a container of which nothing is known yet is looked for", async () => {
  const { engines } = fake();
  expect(await engines.logs("two", "all")).toEqual(["log of two"]);
});

test("a container is made where it was placed, and otherwise on the first engine", async () => {
  const { engines, calls } = fake();
  engines.place("new", "b");
  await engines.runContainer(["--name=new", "image"]);
  await engines.within(new AbortController().signal).runContainer(["image"]);
  expect(calls().filter((call) => call.includes(" run "))).toEqual([
    "--context=a run --detach --pull=never image",
    "--context=b run --detach --pull=never --name=new image",
  ]);
  expect(() => engines.place("other", "c")).toThrow("no engine is named c");
});

test("a network is removed by the manager, and volumes wherever they are", async () => {
  const { engines, calls } = fake();
  await engines.removeNetwork("overlay");
  await engines.removeVolumes(["mark"]);
  expect(calls()).toEqual([
    "--context=a volume rm --force mark",
    "--context=b network rm overlay",
    "--context=b volume rm --force mark",
  ]);
});

test("what fails names the engine", async () => {
  const { engines } = fake();
  await engines.containers();
  await expect(engines.untilStopped("two")).rejects.toThrow("`docker --context=b wait two`");
});
