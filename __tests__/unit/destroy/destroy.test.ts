import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { destroy, hasRemains } from "../../../src/destroy/destroy.ts";
import { Engine } from "../../../src/docker/engine.ts";
import { facts, fakeDocker } from "../find/fixtures.ts";

const anonymous = "0123456789abcdef".repeat(4);

/** An engine with one container and its volumes, which have no label. */
const engine = `
echo "$*" >> calls
case "$1 $2" in
version*) cat components;;
"ps --all") if ! [ -e gone ]; then cat node; fi;;
"container inspect") cat facts;;
"rm --force") touch gone;;
"volume ls") case "$*" in *--filter*) ;; *) if ! [ -e removed ]; then cat volumes; fi;; esac;;
"volume rm") touch removed;;
esac
`;

/** @param label - that names the engine, on the container */
async function removals(label: string, components: string): Promise<string[]> {
  const folder = fakeDocker(engine);
  const mount = { Type: "volume", Destination: "/consul/data" };
  const Mounts = [
    { ...mount, Name: anonymous },
    { ...mount, Name: "users-own" },
  ];
  writeFileSync(join(folder, "components"), `linux/amd64\n${components}\n`);
  writeFileSync(join(folder, "node"), `node\t${label}\n`);
  writeFileSync(join(folder, "facts"), JSON.stringify([{ ...facts, Mounts }]));
  writeFileSync(join(folder, "volumes"), `${anonymous}\nusers-own\n`);
  const docker = new Engine(new AbortController().signal, () => {});
  expect(await destroy(docker, "c0ffee00")).toEqual({
    found: true,
    containers: 1,
    leftovers: [],
  });
  const calls = readFileSync(join(folder, "calls"), "utf8").split("\n");
  return calls.filter((call) => /^(rm|volume rm|version) /.test(call));
}

const ofPodman = ["rm --force --volumes node", `volume rm --force ${anonymous}`];

test("podman: a container's anonymous volumes are removed without a label, and no other", async () => {
  expect(await removals("podman", "Podman Engine\nConmon")).toEqual(ofPodman);
});

test("Docker: the engine removes a container's volumes", async () => {
  expect(await removals("docker", "Engine\ncontainerd")).toEqual(["rm --force --volumes node"]);
});

test("a cluster of an older version of this action: the engine is asked what it is", async () => {
  const [question, ...others] = await removals("", "Podman Engine\nConmon");
  expect(question).toMatch(/^version /);
  expect(others).toEqual(ofPodman);
});

/** An engine with a container, a network, and what `extra` says. */
const small = (extra: string) => `
case "$1 $2" in
${extra}
"ps --all") if ! [ -e gone ]; then printf 'node\\tdocker\\n'; fi;;
"rm --force") touch gone;;
"network ls") if ! [ -e cut ]; then echo net; fi;;
"network rm") touch cut;;
esac
`;

const removed = { found: true, containers: 1, leftovers: [] };

async function destroyed(script: string) {
  const folder = fakeDocker(script);
  const docker = new Engine(new AbortController().signal, () => {});
  return { folder, removal: await destroy(docker, "c0ffee00") };
}

test("a network that is listed while it is being removed is not left", async () => {
  const listed = '"network ls") echo net;;';
  expect((await destroyed(small(listed))).removal).toEqual(removed);
});

test("a container that appears after the first look is removed, too", async () => {
  const late = `
"rm --force") if [ -e gone ]; then touch again; else touch gone; fi;;
"ps --all") if ! [ -e gone ]; then printf 'node\\tdocker\\n'; elif ! [ -e again ]; then printf 'late\\tdocker\\n'; fi;;`;
  const { removal } = await destroyed(small(late));
  expect(removal).toEqual({ found: true, containers: 2, leftovers: [] });
});

test("a network that appears after the first look is removed, too", async () => {
  const late = `
"network ls") if ! [ -e gone ]; then :; elif ! [ -e cut ]; then echo late; fi;;`;
  const { folder, removal } = await destroyed(small(late));
  expect(removal).toEqual(removed);
  expect(existsSync(join(folder, "cut"))).toBe(true);
});

test("after a failure the engine is asked again, and what it names is left", async () => {
  const stuck = `
"network rm") echo "error: network net has the hiccups" >&2; exit 1;;
version*) echo 28;;
"network inspect") echo '[{}]';;`;
  const { removal } = await destroyed(small(stuck));
  expect(removal.found).toBe(true);
  expect(removal.leftovers).toEqual([
    { name: "net", reason: expect.stringContaining("hiccups") },
    { name: "net", reason: "still there after 5 attempts" },
  ]);
});

test("a failure that somebody else made good leaves nothing", async () => {
  const other = `
"network rm") touch cut; echo "error: network net has the hiccups" >&2; exit 1;;
version*) echo 28;;`;
  expect((await destroyed(small(other))).removal).toEqual(removed);
});

test("a cluster of which nothing is left: nothing is found, and nothing is called removed", async () => {
  fakeDocker("true");
  const docker = new Engine(new AbortController().signal, () => {});
  expect(await hasRemains(docker, "c0ffee00")).toBe(false);
  expect(await destroy(docker, "c0ffee00")).toEqual({ found: false, containers: 0, leftovers: [] });
});

test("a cluster of which only a network is left is found", async () => {
  const folder = fakeDocker(`
case "$1 $2" in
"network ls") if ! [ -e gone ]; then echo net; fi;;
"network rm") touch gone;;
esac`);
  const docker = new Engine(new AbortController().signal, () => {});
  expect(await hasRemains(docker, "c0ffee00")).toBe(true);
  expect(await destroy(docker, "c0ffee00")).toEqual({ found: true, containers: 0, leftovers: [] });
  expect(existsSync(join(folder, "gone"))).toBe(true);
});
