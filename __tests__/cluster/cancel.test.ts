/** Whenever a step is interrupted, and whatever happens to its containers, nothing is left. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { runId, type StepResult } from "../../script/runner.ts";
import { testInputs, up } from "../support/cluster.ts";
import { docker, engineHoldings, testImage } from "../support/engine.ts";
import { RecordedJob } from "../support/record.ts";
import { registry } from "../support/registry.ts";
import { runnersPatience } from "../support/runner-limits.ts";

let before: string[];
beforeAll(async () => {
  before = await engineHoldings();
});
afterEach(async () => {
  expect(await engineHoldings()).toEqual(before);
});

/** Never ready: the clients have another gossip key, so they never join. */
const neverReady = `
datacenters: [{ name: dc1, servers: 3, clients: 2 }]
client_config: { encrypt: "${Buffer.alloc(32, 7).toString("base64")}" }
`;

/** Interrupts a main step at this moment, which must come before the step ends; then runs post. */
async function interrupt(
  signal: NodeJS.Signals,
  when: (lines: readonly string[]) => boolean,
  inputs: Record<string, string> = {},
) {
  const lines: string[] = [];
  const job = new RecordedJob({ debug: true, onLine: (line) => lines.push(line) });
  const step = job.start(testInputs({ cluster: neverReady, timeout: "30s", ...inputs }));
  while (step.process.exitCode === null && !when(lines)) await sleep(2);
  const isRunning = step.process.exitCode === null;
  step.process.kill(signal);
  const sent = performance.now();
  const result = await step.result;
  const ending = performance.now() - sent;
  const post = await job.post();
  job.dispose();
  expect(isRunning, `ended before that moment:\n${result.log}`).toBe(true);
  expect(post.exitCode).toBe(0);
  expect(post.log).not.toContain("::warning");
  return { result, ending };
}

const said = (words: string) => (lines: readonly string[]) =>
  lines.some((line) => line.includes(words));
const after = (milliseconds: number) => {
  const start = performance.now();
  return () => performance.now() - start > milliseconds;
};

/** The first moment that is this many milliseconds later than another. */
const later = (milliseconds: number, isReached: (lines: readonly string[]) => boolean) => {
  let at = Number.POSITIVE_INFINITY;
  return (lines: readonly string[]) => {
    if (at === Number.POSITIVE_INFINITY && isReached(lines)) at = performance.now();
    return performance.now() - at > milliseconds;
  };
};

/** Too early to be sure that the action can handle a signal. */
const early = [
  ["at 50 ms", () => after(50)],
  ["at 150 ms", () => after(150)],
] as const;

/** From before the first object to after the last agent. */
const moments = [
  ["at the first docker command", () => said("docker ")],
  ["while the network is made", () => said("docker network create")],
  ["between network and first container", () => said("docker events")],
  ["at the first container", () => said("docker run")],
  ["a little later", () => later(200, said("docker run"))],
  ["at the first agent", () => said(" started")],
  ["when some are alive", () => said(" of 5 alive")],
  [
    "when all have started",
    () => (lines: readonly string[]) =>
      lines.filter((line) => line.endsWith(" started")).length === 5,
  ],
] as const;

/** The runner sends SIGINT first; the action answers SIGTERM the same way. */
const plan = [
  ["SIGINT", early, moments],
  ["SIGTERM", early.slice(0, 1), moments.filter((_, index) => index % 4 === 1)],
  ["SIGKILL", early, moments],
] as const;

describe.each(plan)("%s", (signal, tooEarly, moments) => {
  test.each(tooEarly)("%s", async (_, when) => {
    const { result, ending } = await interrupt(signal, when());
    expect(ending).toBeLessThan(runnersPatience);
    // Until the handlers are installed, the signal itself ends the process.
    if (signal === "SIGKILL" || result.signal !== null) expect(result.signal).toBe(signal);
    else expectCanceled(result);
  });

  test.each(moments)("%s", async (_, when) => {
    const { result, ending } = await interrupt(signal, when());
    expect(ending).toBeLessThan(runnersPatience);
    if (signal === "SIGKILL") expect(result.signal).toBe("SIGKILL");
    else expectCanceled(result);
  });
});

function expectCanceled({ exitCode, log }: StepResult): void {
  expect(exitCode, log).toBe(1);
  expect(log).toContain("::error title=Canceled::");
}

describe("while an image is pulled", () => {
  test.each(["SIGINT", "SIGKILL"] as const)("%s", async (signal) => {
    const hub = await registry();
    const image = `${await hub.push("consul", "slow")}:slow`;
    const isManifest = (path: string) => path.includes("/manifests/");
    hub.fail((path) => (isManifest(path) ? "hang" : undefined));
    hub.seen.length = 0;
    const { ending } = await interrupt(signal, () => hub.seen.some(isManifest), { image });
    expect(ending).toBeLessThan(runnersPatience);
    await hub.stop();
  });
});

describe("post removes a cluster with", () => {
  const stranger = `stranger-${runId}`;

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
        const network = `--network=${name.replace(/-server-1$/, "")}`;
        const options = ["--rm", network, `--name=${stranger}`, "--entrypoint=sleep"];
        await docker("run", "-d", ...options, testImage(), "600");
      },
    ],
  ])("%s", async (_, disturb) => {
    const { nodes, down } = await up({ servers: "1", clients: "1" });
    await disturb(nodes[0]?.container ?? "");
    const { log } = await down();
    expect(log).not.toContain("::warning");
    await docker("rm", "-fv", stranger).catch(() => "");
  });
});

test("ten clusters at once, removed in a different order, don't see each other", async () => {
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
