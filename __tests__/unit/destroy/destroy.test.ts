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
"ps --all") if ! [ -e gone ]; then echo node; fi;;
"container inspect") cat facts;;
"rm --force") touch gone;;
"volume ls") case "$*" in *--filter*) ;; *) if ! [ -e removed ]; then cat volumes; fi;; esac;;
"volume rm") touch removed;;
esac
`;

async function removals(components: string): Promise<string[]> {
  const folder = fakeDocker(engine);
  const mount = { Type: "volume", Destination: "/consul/data" };
  const Mounts = [
    { ...mount, Name: anonymous },
    { ...mount, Name: "users-own" },
  ];
  writeFileSync(join(folder, "components"), components);
  writeFileSync(join(folder, "facts"), JSON.stringify([{ ...facts, Mounts }]));
  writeFileSync(join(folder, "volumes"), `${anonymous}\nusers-own\n`);
  const docker = new Engine(new AbortController().signal, () => {});
  expect(await destroy(docker, "c0ffee00")).toEqual({
    found: true,
    containers: 1,
    leftovers: [],
  });
  const calls = readFileSync(join(folder, "calls"), "utf8").split("\n");
  return calls.filter((call) => /^(rm|volume rm) /.test(call));
}

test("podman: a container's anonymous volumes are removed without a label, and no other", async () => {
  expect(await removals("Podman Engine\nConmon\n")).toEqual([
    "rm --force --volumes node",
    `volume rm --force ${anonymous}`,
  ]);
});

test("Docker: the engine removes a container's volumes", async () => {
  expect(await removals("Engine\ncontainerd\n")).toEqual(["rm --force --volumes node"]);
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
