import { expect, test } from "vitest";
import { gatherEngines } from "../../../src/apply/engines.ts";
import { Engine } from "../../../src/docker/engine.ts";
import { InputError } from "../../../src/errors.ts";
import { fakeDocker } from "../find/fixtures.ts";

const swarm = (node: string, isManager: boolean) =>
  JSON.stringify({ NodeID: node, NodeAddr: "192.0.2.1", ControlAvailable: isManager });

/** What each docker context answers. */
const script = `
context="\${1#--context=}"; shift
case "$context $1" in
"manager info") echo '${swarm("n1", true)}';;
"worker info") echo '${swarm("n2", false)}';;
"alias info") echo '${swarm("n2", false)}';;
"alone info") echo '${swarm("", false)}';;
"elsewhere info") echo '${swarm("n9", true)}';;
"manager node") printf 'n1\\nn2\\n';;
"unknown info") echo 'Failed to initialize: unable to resolve docker endpoint: context "unknown": context not found: open meta.json' >&2; exit 1;;
*) echo "Cannot connect to the Docker daemon" >&2; exit 1;;
esac
`;

async function problems(...names: readonly [string, ...string[]]): Promise<readonly string[]> {
  fakeDocker(script);
  const engine = new Engine(new AbortController().signal, () => {});
  const refused: unknown = await gatherEngines(engine, names).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (refused === undefined) return [];
  if (!(refused instanceof InputError)) throw refused;
  return refused.problems.map(({ message }) => message);
}

test("a manager and a worker of its swarm, in any order, are fine", async () => {
  expect(await problems("manager", "worker")).toEqual([]);
  expect(await problems("worker", "manager")).toEqual([]);
});

test("of every engine it is said what is wrong with it, all at once", async () => {
  expect(await problems("manager", "alone", "elsewhere", "dead", "worker", "alias")).toEqual([
    expect.stringMatching(/"alone", but its engine is in no swarm\..*--context alone swarm join/),
    expect.stringContaining('"elsewhere", but its engine is in another swarm'),
    expect.stringMatching(/"dead", but its engine does not answer: Cannot connect/),
    expect.stringContaining('"alias", but that is the same engine as "worker"'),
  ]);
});

test("a context that is not there is told from an engine that is silent", async () => {
  expect(await problems("manager", "unknown")).toEqual([
    expect.stringMatching(
      /"unknown", and there is no such context .*docker context create unknown/,
    ),
  ]);
});

test("without a manager, nobody can make the network", async () => {
  expect(await problems("worker")).toEqual([
    expect.stringMatching(/names no manager .*: all of worker are workers/),
  ]);
  expect(await problems("alone")).toEqual([expect.stringContaining("in no swarm")]);
});
