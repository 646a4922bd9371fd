import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { removalCommand } from "../../../src/destroy/destroy.ts";
import { destroyCluster } from "../../../src/destroy/several-engines.ts";
import { Engine } from "../../../src/docker/engine.ts";
import { fakeDocker } from "../find/fixtures.ts";

/**
 * Engines of a swarm whose containers are in files of their names. `manager` has the network, which is in
 * use while a container is left, and as long as the file `cut-off` is there. A file `dead-…` or `hung-…`
 * says what is wrong with an engine.
 */
const engine = `
if [ "$1" = --context ]; then context=$2; shift 2; else context="\${1#--context=}"; shift; fi
echo "$context $*" >> calls
if [ -e "dead-$context" ]; then echo "Cannot connect to the Docker daemon" >&2; exit 1; fi
if [ -e "hung-$context" ]; then exec sleep 20; fi
case "$1 $2" in
"ps --all" | "ps -aq") cat "$context" 2>/dev/null;;
rm*) rm "$context";;
"network ls") case "$context $*" in manager*scope=local*) ;; manager*) cat network;; esac;;
"network inspect") echo '[{}]';;
"network rm")
  if [ -e late ]; then
    echo again >> late
    if [ "$(wc -l < late)" -gt 7 ]; then rm -f late cut-off; fi
  fi
  if [ -e worker ] || [ -e far ] || [ -e cut-off ]; then
    echo "network net is in use by task abc" >&2; exit 1
  fi
  : > network;;
info*) if [ "$context" = manager ]; then is=true; else is=false; fi
  echo "{\\"NodeID\\":\\"n\\",\\"NodeAddr\\":\\"\\",\\"ControlAvailable\\":$is}";;
esac
exit 0
`;
const engines = ["worker", "manager", "far"];

function fake(...wrong: readonly string[]) {
  const folder = fakeDocker(engine);
  for (const name of engines) writeFileSync(join(folder, name), `agent-on-${name}\tdocker\n`);
  writeFileSync(join(folder, "network"), "net\n");
  for (const name of wrong) writeFileSync(join(folder, name), "");
  const docker = new Engine(new AbortController().signal, () => {}, {}, 8000);
  const left = () => engines.filter((name) => existsSync(join(folder, name)));
  const network = () => readFileSync(join(folder, "network"), "utf8").trim();
  const remove = () => destroyCluster(docker, { clusterId: "c0ffee00", engines });
  return { folder, remove, left, network };
}

test("every engine is emptied, and then the manager removes the network", async () => {
  const { remove, left, network } = fake();
  expect(await remove()).toEqual({ found: true, containers: 3, leftovers: [] });
  expect(left()).toEqual([]);
  expect(network()).toBe("");
});

test.each([
  ["dead", "Cannot connect to the Docker daemon"],
  ["hung", "no answer within 8 s"],
])("an engine that is %s costs its own limit, and nothing stays on the others", async (is, why) => {
  const { remove, left } = fake(`${is}-far`);
  const { containers, leftovers } = await remove();
  expect(left()).toEqual(["far"]);
  expect(containers).toBe(2);
  const [first, ...others] = leftovers;
  expect(first).toMatchObject({ name: "engine far", dockerContext: "far" });
  expect(first?.reason).toContain(why);
  // Whatever is on the other engine keeps the network in use.
  expect(new Set(others.map(({ dockerContext }) => dockerContext))).toEqual(new Set(["manager"]));
});

test("a dead manager has the network, and the workers are emptied", async () => {
  const { remove, left } = fake("dead-manager");
  const { leftovers } = await remove();
  expect(left()).toEqual(["manager"]);
  expect(leftovers.map(({ dockerContext }) => dockerContext)).toEqual(["manager"]);
});

test("a network that a machine out of reach has in use is told, with what frees it", async () => {
  const { folder, remove, left, network } = fake("cut-off");
  const { leftovers } = await remove();
  expect(left()).toEqual([]);
  expect(network()).toBe("net");
  expect(leftovers[0]).toMatchObject({ name: "net", dockerContext: "manager" });
  expect(leftovers[0]?.reason).toContain("Once that machine is back in the swarm");
  // Later, somebody runs the same again.
  execFileSync("rm", [join(folder, "cut-off")]);
  expect(await remove()).toMatchObject({ found: true, containers: 0, leftovers: [] });
  expect(network()).toBe("");
});

test("a manager that hears late that all engines are empty has the time to", async () => {
  const { remove, network } = fake("cut-off", "late");
  expect((await remove()).leftovers).toEqual([]);
  expect(network()).toBe("");
});

test("the command for several engines removes their containers before the network", () => {
  const { folder, left } = fake();
  execFileSync("sh", ["-c", removalCommand("c0ffee00", engines)], { stdio: "ignore" });
  expect(left()).toEqual([]);
  const calls = readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
  expect(calls.map((call) => call.split(" ").slice(0, 3).join(" "))).toEqual([
    ...["far ps -aq", "far rm -fv", "manager ps -aq", "manager rm -fv"],
    ...["worker ps -aq", "worker rm -fv"],
    ...["far network ls", "manager network ls", "manager network rm", "worker network ls"],
    ...["far volume ls", "manager volume ls", "worker volume ls"],
  ]);
});

test("the command for one engine names its context, or none", () => {
  const filter = "--filter label=consul-cluster-action.cluster=c0ffee00";
  const ofOne = removalCommand("c0ffee00", ["far"]);
  expect(ofOne).toContain(
    `docker --context far ps -aq ${filter} | xargs -r docker --context far rm`,
  );
  expect(removalCommand("c0ffee00")).toBe(ofOne.replaceAll(" --context far", ""));
});
