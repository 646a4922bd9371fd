import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { askAhead, forgetAhead } from "../../../src/docker/ahead.ts";
import { Engine } from "../../../src/docker/engine.ts";
import { engineQuestion } from "../../../src/docker/questions.ts";
import { fakeDocker } from "../find/fixtures.ts";

const engine = () => new Engine(new AbortController().signal, () => {});
const callsIn = (folder: string) => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");

test("an answer is given once, and then the engine is asked again", async () => {
  const folder = fakeDocker('echo asked >> calls; echo "linux/$(wc -l < calls)"');
  askAhead([engineQuestion]);
  expect((await engine().engineFacts()).platform).toBe("linux/1");
  expect((await engine().engineFacts()).platform).toBe("linux/2");
  expect(callsIn(folder)).toHaveLength(2);
});

test("a question that failed is asked again, and that says why", async () => {
  const folder = fakeDocker(
    'echo asked >> calls; echo "Cannot connect to the Docker daemon at x" >&2; exit 1',
  );
  askAhead([engineQuestion]);
  await expect(engine().engineFacts()).rejects.toThrow("Cannot connect to the Docker daemon");
  expect(callsIn(folder).length).toBeGreaterThan(1);
});

test("what is forgotten is asked again", async () => {
  const folder = fakeDocker('echo asked >> calls; echo "linux/$(wc -l < calls)"');
  askAhead([engineQuestion]);
  forgetAhead();
  await engine().engineFacts();
  await vi.waitFor(() => expect(callsIn(folder)).toHaveLength(2));
});
