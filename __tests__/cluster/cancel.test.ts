/** Interrupted at any moment, and after every kind of disorder: nothing is left. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { Job } from "../../script/runner.ts";
import { registry } from "../faults.ts";
import { docker, engineHoldings, testInputs, up } from "../support.ts";

let before: string[];
beforeAll(async () => {
  before = await engineHoldings();
});
afterEach(async () => {
  expect(await engineHoldings()).toEqual(before);
});

/** Milliseconds that the runner waits between SIGINT and SIGTERM. */
const runnersPatience = 7500;

/** Interrupts a main step when the condition holds, then runs post. */
async function interrupt(
  signal: NodeJS.Signals,
  when: (lines: readonly string[]) => Promise<boolean> | boolean,
  inputs: Record<string, string> = {},
) {
  const lines: string[] = [];
  const job = new Job({ debug: true, onLine: (line) => lines.push(line) });
  const step = job.start(testInputs({ clients: "2", ...inputs }));
  while (step.process.exitCode === null && !(await when(lines))) await sleep(2);
  const isRunning = step.process.exitCode === null;
  step.process.kill(signal);
  const sent = performance.now();
  const result = await step.result;
  const ending = performance.now() - sent;
  const post = await job.post();
  job.dispose();
  expect(post.exitCode).toBe(0);
  expect(post.log).not.toContain("::warning");
  return { result, ending, isRunning };
}

const said = (words: string) => (lines: readonly string[]) =>
  lines.some((line) => line.includes(words));
const after = (milliseconds: number) => {
  const start = performance.now();
  return () => performance.now() - start > milliseconds;
};

/** From before the first object to after the last agent. */
const moments = [
  ["at 50 ms", () => after(50)],
  ["at 150 ms", () => after(150)],
  ["at the first docker command", () => said("docker ")],
  ["while the network is made", () => said("docker network create")],
  ["between network and first container", () => said("docker events")],
  ["at the first container", () => said("docker run")],
  [
    "a little later",
    () => {
      const run = said("docker run");
      let at = 0;
      return (lines: readonly string[]) => {
        if (at === 0 && run(lines)) at = performance.now();
        return at > 0 && performance.now() - at > 200;
      };
    },
  ],
  ["at the first agent", () => said(" started")],
  ["when some are alive", () => said(" of 5 alive")],
  [
    "when all have started",
    () => (lines: readonly string[]) =>
      lines.filter((line) => line.endsWith(" started")).length === 5,
  ],
] as const;

/** The runner sends SIGINT first; what is done with SIGTERM is the same. */
const plan = [
  ["SIGINT", moments],
  ["SIGTERM", moments.filter((_, index) => index % 4 === 3)],
  ["SIGKILL", moments],
] as const;

describe.each(plan)("%s", (signal, at) => {
  test.each(at)("%s", async (_, when) => {
    const { result, ending, isRunning } = await interrupt(signal, when());
    expect(ending).toBeLessThan(runnersPatience);
    if (!isRunning) return;
    if (signal === "SIGKILL") expect(result.signal).toBe("SIGKILL");
    // Until the handlers stand, a signal ends the process as it ends any.
    else if (result.signal === null) {
      expect(result.exitCode).toBe(1);
      expect(result.log).toContain("::error title=Canceled::");
    }
  });
});

describe("while an image is pulled", () => {
  test.each(["SIGINT", "SIGKILL"] as const)("%s", async (signal) => {
    const hub = await registry();
    const image = `${hub.address}/consul:slow`;
    await docker("tag", testInputs().image ?? "", image);
    await docker("push", "--quiet", image);
    await docker("rmi", image);
    hub.fail((path) => (path.includes("/manifests/") ? "hang" : undefined));
    const isAsked = () => hub.seen.some((line) => /GET|HEAD.*manifests/.test(line));
    hub.seen.length = 0;
    const { ending } = await interrupt(signal, () => isAsked(), { image });
    expect(ending).toBeLessThan(runnersPatience);
    await hub.stop();
  });
});

describe("a teardown meets", () => {
  test.each([
    ["a paused container", (name: string) => docker("pause", name)],
    ["a stopped container", (name: string) => docker("kill", name)],
    ["a removed container", (name: string) => docker("rm", "-fv", name)],
    [
      "a container that restarts",
      async (name: string) => {
        await docker("update", "--restart=always", name);
        await docker("exec", name, "kill", "1");
      },
    ],
    [
      "a stranger on its network",
      async (name: string) => {
        const network = name.replace(/-server-1$/, "");
        const image = testInputs().image ?? "";
        await docker(
          "run",
          "-d",
          "--rm",
          `--network=${network}`,
          "--name=stranger",
          "--entrypoint=sleep",
          image,
          "60",
        );
      },
    ],
  ])("%s", async (_, disturb) => {
    const { nodes, down } = await up({ servers: "1", clients: "1" });
    await disturb(nodes[0]?.container ?? "");
    const { log } = await down();
    expect(log).not.toContain("::warning");
    await docker("rm", "-fv", "stranger").catch(() => "");
  });
});

test("ten clusters at once, removed in another order, don't see each other", async () => {
  const clusters = await Promise.all(Array.from({ length: 10 }, () => up({ servers: "1" })));
  const members = await Promise.all(
    clusters.map(({ nodes }) => docker("exec", nodes[0]?.container ?? "", "consul", "members")),
  );
  for (const list of members) expect(list.split("\n")).toHaveLength(2);
  await Promise.all(clusters.slice(5).map(({ down }) => down()));
  for (const { nodes } of clusters.slice(0, 5))
    expect(await docker("exec", nodes[0]?.container ?? "", "consul", "members")).toContain("alive");
  await Promise.all(clusters.slice(0, 5).map(({ down }) => down()));
});
