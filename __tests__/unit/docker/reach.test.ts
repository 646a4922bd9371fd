import { expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { Engines } from "../../../src/docker/engines.ts";
import { enginesNamed, reachable } from "../../../src/docker/reach.ts";
import { fakeDocker } from "../find/fixtures.ts";

const script = `
case "$1 $2" in
--context=dead*) echo "Cannot connect to the Docker daemon" >&2; exit 1;;
*manager*info) echo '{"NodeID":"m","NodeAddr":"","ControlAvailable":true}';;
*info) echo '{"NodeID":"w","NodeAddr":"","ControlAvailable":false}';;
"--context=manager network") echo by-the-manager;;
"--context=worker network") echo by-a-worker;;
esac
`;

const named = (...names: readonly string[]) => {
  fakeDocker(script);
  return enginesNamed(new Engine(new AbortController().signal, () => {}), names);
};

async function reached(...names: readonly string[]) {
  const { docker, silent } = await reachable(named(...names));
  const members = docker instanceof Engines ? docker.members.map(({ name }) => name) : [];
  return { docker, members, silent: silent.map(({ name }) => name) };
}

test("those that answer are as one, whose manager is asked for networks", async () => {
  const { docker, members, silent } = await reached("worker", "manager");
  expect({ members, silent }).toEqual({ members: ["worker", "manager"], silent: [] });
  expect(await docker.networks()).toContain("by-the-manager");
});

test("those that don't answer are left out, and named", async () => {
  const { members, silent } = await reached("dead-1", "worker", "dead-2");
  expect({ members, silent }).toEqual({ members: ["worker"], silent: ["dead-1", "dead-2"] });
});

test("if none answers, whatever is asked of them says why", async () => {
  const { docker, silent } = await reached("dead-1", "dead-2");
  expect(silent).toEqual([]);
  // Whichever answers first that it can't.
  await expect(docker.containers()).rejects.toThrow(/--context=dead-[12] ps.*Cannot connect/);
});

test("one engine alone is not asked", async () => {
  const engine = named();
  fakeDocker("exit 1");
  expect(await reachable(engine)).toEqual({ docker: engine, silent: [] });
});
