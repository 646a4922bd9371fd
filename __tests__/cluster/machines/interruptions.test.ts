/** Whenever a start on several engines is interrupted, post leaves nothing on any of them. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { ownJob } from "../../support/actions.ts";
import { testInputs } from "../../support/cluster.ts";
import { docker } from "../../support/engine.ts";
import { engines, expectEmpty, onMachines } from "../../support/machines.ts";
import { RecordedJob } from "../../support/record.ts";
import { runnersPatience } from "../../support/runner-limits.ts";

const said = (words: string, times: number) => (lines: readonly string[]) =>
  lines.filter((line) => line.includes(words)).length >= times;

/** Starts a cluster whose agents are spread, and does something as soon as the log is so far. */
async function interrupt(
  when: (lines: readonly string[]) => boolean,
  act: (child: { kill: (signal: NodeJS.Signals) => void }, log: string) => void | Promise<void>,
  sizes = { servers: "3", clients: "3" },
) {
  const lines: string[] = [];
  const job = new RecordedJob({ ...ownJob(), debug: true, onLine: (line) => lines.push(line) });
  const step = job.start(testInputs({ ...sizes, engines: engines.join(" ") }));
  while (step.process.exitCode === null && !when(lines)) await sleep(2);
  const isRunning = step.process.exitCode === null;
  await act({ kill: (signal) => step.process.kill(signal) }, lines.join("\n"));
  const acted = performance.now();
  const main = await step.result;
  const ending = performance.now() - acted;
  const post = await job.post();
  job.dispose();
  expect(isRunning, `ended before that moment:\n${main.log}`).toBe(true);
  expect(post.exitCode, post.log).toBe(0);
  expect(post.log).not.toContain("::warning");
  return { main, ending, post };
}

describe("a start on three engines", onMachines, () => {
  afterEach(() => expectEmpty());

  test.each([
    ["SIGINT", "while the network is made", said(" network create ", 1)],
    ["SIGINT", "while servers start", said(" run --detach ", 2)],
    ["SIGTERM", "while clients start", said(" started", 4)],
    ["SIGKILL", "while the network is made", said(" network create ", 1)],
    ["SIGKILL", "while servers start", said(" run --detach ", 2)],
    ["SIGKILL", "while clients start", said(" started", 4)],
  ] as const)("%s %s", async (signal, _, when) => {
    const { main, ending } = await interrupt(when, (child) => child.kill(signal));
    expect(ending).toBeLessThan(runnersPatience);
    if (signal === "SIGKILL") return expect(main.signal).toBe("SIGKILL");
    expect(main.exitCode, main.log).toBe(1);
    expect(main.log).toContain("::error title=Canceled::");
  });

  test("an agent that dies on another engine fails the step at once, and its log is shown", async () => {
    const kill = async (_: unknown, log: string) => {
      const container = /consul-\w+-server-2/.exec(log)?.[0] ?? "";
      await docker("--context=worker-1", "kill", container);
    };
    // Nothing else on its engine: see "What can be left" in docs/machines.md.
    const sizes = { servers: "3", clients: "0" };
    const { main, ending } = await interrupt(said("server-2 started", 1), kill, sizes);
    expect(main.exitCode, main.log).toBe(1);
    expect(ending).toBeLessThan(runnersPatience);
    expect(main.log).toMatch(/^::error title=.*server-2.*137/m);
    // Of every agent that was there, on whichever engine.
    expect(main.log).toMatch(/^::group::server-1 running$/m);
    expect(main.log).toMatch(/^::group::server-2 exited with code 137$/m);
    expect(main.log).toMatch(/^::group::server-3 running$/m);
  });
});
