import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { whileAllRun } from "../../../src/find/while-all-run.ts";
import { agent, facts, fakeDocker } from "./fixtures.ts";

/** An engine that has one container, as the file `facts` describes it. */
const engine = `
case "$1 $2" in
"container inspect") cat facts;;
"logs "*) echo "exec format error";;
"image inspect") echo linux/arm64;;
"version "*) echo linux/amd64;;
"events "*) exec sleep 60;;
esac
`;

const watch = (signal: AbortSignal) => ({
  docker: new Engine(signal, () => {}),
  clusterId: "c0ffee00",
  agents: [{ ...agent("server-1"), container: facts.Name }],
  signal,
});

describe("while agents must run", () => {
  test("an exit names the image that the agent ran, which an upgrade may have changed", async () => {
    const State = { ...facts.State, Running: false, ExitCode: 1 };
    const Config = { ...facts.Config, Image: "hashicorp/consul:2.1" };
    const folder = fakeDocker(engine);
    writeFileSync(join(folder, "facts"), JSON.stringify([{ ...facts, State, Config }]));
    const work = (signal: AbortSignal) => sleep(60_000, undefined, { signal });
    await expect(whileAllRun(watch(new AbortController().signal), work)).rejects.toThrow(
      "hashicorp/consul:2.1",
    );
  });

  test("two agents that exit at the same moment are both named", async () => {
    const inspect = '"container inspect") if [ $# = 3 ]; then cat "$3"; else cat facts; fi;;';
    const folder = fakeDocker(engine.replace(/"container inspect".*/, inspect));
    const ended = (Name: string, ExitCode: number) => {
      const State = { ...facts.State, Status: "exited", Running: false, ExitCode };
      return { ...facts, Name, State };
    };
    const [one, two] = [ended("one", 1), ended("two", 3)];
    for (const [file, list] of Object.entries({ facts: [one, two], one: [one], two: [two] }))
      writeFileSync(join(folder, file), JSON.stringify(list));
    const agents = ["one", "two"].map((name) => ({ ...agent(`server-${name}`), container: name }));
    const watching = { ...watch(new AbortController().signal), agents };
    const work = (signal: AbortSignal) => sleep(60_000, undefined, { signal });
    const reason = "can't run on this platform";
    const failure = await whileAllRun(watching, work).catch((error: unknown) => error);
    expect(failure).toMatchObject({ title: `server-one ${reason}, server-two ${reason}` });
    expect(String(failure)).toContain(`server-one ${reason} (exit code 1)`);
    expect(String(failure)).toContain(`server-two ${reason} (exit code 3)`);
  });

  test("the work ends with a cancellation, whatever becomes of the docker CLI", async () => {
    const folder = fakeDocker(engine);
    writeFileSync(join(folder, "facts"), JSON.stringify([facts]));
    const canceled = new AbortController();
    const patient = {
      ...watch(canceled.signal),
      docker: watch(new AbortController().signal).docker,
    };
    const work = (signal: AbortSignal) => sleep(60_000, undefined, { signal });
    setTimeout(() => canceled.abort(), 100);
    await expect(whileAllRun(patient, work)).rejects.toThrow();
  });
});
