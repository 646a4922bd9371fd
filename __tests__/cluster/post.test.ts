import { execFile } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { saidBy } from "../support/annotations.ts";
import { testInputs, up } from "../support/cluster.ts";
import { aliveMembers } from "../support/consul.ts";
import { docker, engineHoldings, testImage } from "../support/engine.ts";
import { neverLed } from "../support/failures.ts";
import { RecordedJob } from "../support/record.ts";
import { runnersPatience } from "../support/runner-limits.ts";

/** After each test, the engine must hold what it held before. */
let before: string[];
beforeEach(async () => {
  before = await engineHoldings();
});
afterEach(async () => {
  expect(await engineHoldings()).toEqual(before);
});

describe("post removes the cluster", () => {
  test("once, and finds nothing to remove the second time", async () => {
    const { job, outputs } = await up({ servers: "1", clients: "1" });
    const first = await job.post();
    expect(first).toMatchObject({ exitCode: 0, log: expect.stringContaining("2 containers") });
    expect(await engineHoldings()).toEqual(before);
    const second = await job.post();
    expect(second.exitCode).toBe(0);
    const nothingLeft = `Nothing is left to remove of cluster ${outputs["cluster-id"]}.`;
    expect(saidBy(second)).toEqual([nothingLeft]);
    expect(first.log + second.log).not.toContain("::warning");
    job.dispose();
  });

  test("with the network, even if a container of someone else joined it", async () => {
    const { job, outputs } = await up({ servers: "1" });
    const guest = `guest-${outputs["cluster-id"]}`;
    await docker(
      ...["run", "--detach", `--name=${guest}`, `--network=${outputs.network}`],
      ...["--entrypoint=sleep", testImage(), "600"],
    );
    try {
      const post = await job.post();
      expect(post.log).not.toContain("::warning");
      expect(await docker("inspect", "--format={{.State.Running}}", guest)).toBe("true");
    } finally {
      await docker("rm", "--force", "--volumes", guest);
      job.dispose();
    }
  });

  test("as far as it can, and lists what is left", async () => {
    const { job, nodes, outputs } = await up({ servers: "1" });
    const holder = `holder-${outputs["cluster-id"]}`;
    await docker(
      ...["run", "--detach", `--name=${holder}`, `--volumes-from=${nodes[0]?.container}`],
      ...["--entrypoint=sleep", testImage(), "600"],
    );
    const post = await job.post();
    job.dispose();
    await docker("rm", "--force", holder);
    expect(post.exitCode).toBe(0);
    const warning =
      /^::warning title=Cluster (\w+) was not removed::(.*?): .*volume is in use.*%0ATo remove what is left: (.*)$/m;
    const [, cluster, volume, command = ""] = warning.exec(post.log) ?? [];
    expect(cluster).toBe(outputs["cluster-id"]);
    expect((await engineHoldings()).filter((id) => !before.includes(id))).toEqual([
      `volume ${volume}`,
    ]);
    await promisify(execFile)("sh", ["-c", command]);
  });
});

test("a cluster with `cleanup: false` is kept, and the log says how to remove it", async () => {
  const { job, outputs } = await up({ servers: "1", cleanup: "false" });
  const { exitCode, log } = await job.post();
  job.dispose();
  expect(exitCode).toBe(0);
  expect(await aliveMembers(outputs["http-address"] ?? "")).toEqual(["server-1"]);
  const command = /`cleanup` is false\. To remove it: (.*)$/m.exec(log)?.[1] ?? "";
  expect(command).toContain(outputs["cluster-id"]);
  await promisify(execFile)("sh", ["-c", command]);
});

test("without state there is nothing to remove", async () => {
  const job = new RecordedJob();
  const post = await job.post();
  job.dispose();
  expect(post).toMatchObject({ exitCode: 0, log: "There is no cluster to remove.\n" });
});

describe("the agents' logs", () => {
  test("are printed first in debug mode", async () => {
    const { job } = await up({ servers: "1", clients: "1" }, { debug: true });
    const { log } = await job.post();
    job.dispose();
    for (const node of ["server-1", "client-1"]) {
      const group = new RegExp(`^::group::${node} running$.*?^::endgroup::$`, "ms");
      const [text = ""] = group.exec(log) ?? [];
      // One of the last lines, which are all that is printed.
      expect(text).toMatch(/\[INFO\] +agent: /);
      expect(log.indexOf(text)).toBeLessThan(log.search(/Cluster \w+ removed/));
    }
  });

  test("are not printed otherwise", async () => {
    const { down } = await up({ servers: "1" });
    expect((await down()).log).not.toContain("::group::server-1");
  });
});

describe("after a main that failed", () => {
  test("because Consul refuses `config`: the message quotes it, and no agent was started", async () => {
    const job = new RecordedJob();
    const main = await job.main(testInputs({ servers: "3", config: "no_such_setting = 1" }));
    expect(main.exitCode).toBe(1);
    expect(main.log).toMatch(/^::error title=Invalid input%3A config::.*no_such_setting/m);
    expect(main.log).not.toContain(" started");
    const post = await job.post();
    job.dispose();
    expect(post).toMatchObject({ exitCode: 0, log: expect.stringContaining(" removed: ") });
  });

  test("because time ran out: the message names the condition and the nodes that fail it", async () => {
    const job = new RecordedJob();
    const main = await job.main(testInputs({ ...neverLed, timeout: "15s" }));
    expect(main.exitCode).toBe(1);
    expect(main.log).toMatch(
      /^::error title=Consul is not ready::.* within 15 s \(3 of 3 alive, no leader\)/m,
    );
    expect(main.log).toContain("Condition not met: all agents report the same leader.%0A");
    expect(main.log).toContain("%0ANot met for:%0A  server-1: no leader%0A");
    expect(main.log).toMatch(/^::group::server-1 running$/m);
    // What was missing, and who saw whom.
    expect(main.summary).toContain("### Consul did not start: Consul is not ready\n");
    expect(main.summary).toContain("Not met for:\n  server-1: no leader\n");
    // On a machine that is busy, an agent may not answer in time.
    for (const name of ["server-1", "server-2", "server-3"])
      expect(main.summary).toMatch(
        new RegExp(`^\\| ${name} \\| running \\| (3 of 3|no answer: \`.+\`) \\|`, "m"),
      );
    await job.post();
    job.dispose();
  });

  test("because inputs are invalid: each is named, and nothing was created", async () => {
    const job = new RecordedJob();
    const main = await job.main({ servers: "many", timeout: "soon", "log-level": "loud" });
    for (const input of ["servers", "timeout", "log-level"])
      expect(main.log).toMatch(new RegExp(`^::error title=Invalid input%3A ${input}::`, "m"));
    expect(main).toMatchObject({ exitCode: 1, state: {}, outputs: {} });
    expect(await engineHoldings()).toEqual(before);
    expect((await job.post()).log).toBe("There is no cluster to remove.\n");
    job.dispose();
  });

  test.each(["SIGINT", "SIGTERM"] as const)("because it was canceled by %s", async (signal) => {
    const lines: string[] = [];
    const job = new RecordedJob({ onLine: (line) => lines.push(line) });
    const step = job.start(testInputs({ servers: "3", clients: "3" }));
    while (!lines.some((line) => line.endsWith(" started")) && step.process.stdout)
      await once(step.process.stdout, "data");
    step.process.kill(signal);
    const canceled = performance.now();
    const main = await step.result;
    expect(performance.now() - canceled).toBeLessThan(runnersPatience);
    expect(main.exitCode).toBe(1);
    expect(main.log).toMatch(new RegExp(`^::error title=Canceled::.*${signal}`, "m"));
    expect((await job.post()).exitCode).toBe(0);
    job.dispose();
  });
});
