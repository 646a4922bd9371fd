/** What a step reports when something around it is broken. Nothing may be left behind. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type JobOptions, type RunningStep, runId } from "../../script/runner.ts";
import { errorsOf } from "../support/annotations.ts";
import { testInputs } from "../support/cluster.ts";
import { docker, engineHoldings, ownContainers, run, testImage } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { deniedEngine, engineProxy, neverLed } from "../support/failures.ts";
import { imageWithScript } from "../support/images.ts";
import { listener } from "../support/ports.ts";
import { RecordedJob } from "../support/record.ts";

let before: string[];
beforeAll(async () => {
  before = await engineHoldings();
});
afterAll(async () => {
  expect(await engineHoldings()).toEqual(before);
});

type Inputs = Readonly<Record<string, string>>;

/** An agent with it exits: no container has this address. */
const notItsAddress = 'serf_lan = "192.0.2.1"';

/** A main step that fails, and its post step. */
async function failing(inputs: Inputs = {}, options: JobOptions = {}) {
  const job = new RecordedJob(options);
  const result = await job.main(testInputs({ servers: "1", ...inputs }));
  const post = await job.post();
  job.dispose();
  expect(result.exitCode).toBe(1);
  expect(post.exitCode).toBe(0);
  expect(result.log).not.toMatch(/^ {4}at /m);
  return { result, errors: errorsOf(result), post };
}

/** The same, but the test does something to a container of the cluster once it runs. */
async function disturbed(
  inputs: Inputs,
  disturb: (container: string, step: RunningStep) => Promise<unknown>,
  node = "server-1",
) {
  let reportedAt = Number.POSITIVE_INFINITY;
  const onLine = (line: string) => {
    if (line.startsWith("::error")) reportedAt = performance.now();
  };
  const job = new RecordedJob({ onLine });
  const step = job.start(testInputs(inputs));
  const container = await firstContainer(step, node);
  await disturb(container, step);
  const disturbedAt = performance.now();
  const result = await step.result;
  const waited = reportedAt - disturbedAt;
  const post = await job.post();
  job.dispose();
  expect(result.exitCode).toBe(1);
  expect(post.exitCode).toBe(0);
  return { result, errors: errorsOf(result), waited };
}

/** The container of this node, once it runs. */
async function firstContainer({ process }: RunningStep, node: string): Promise<string> {
  // Clusters of tests that failed may still be there.
  const others = await ownContainers();
  while (process.exitCode === null) {
    const names = (await ownContainers()).filter((name) => name.endsWith(`-${node}`));
    const name = names.find((each) => !others.includes(each));
    if (name !== undefined) return name;
    await sleep(20);
  }
  throw new Error("the step ended before there was a container");
}

/**
 * Stops a step's process in a moment in which no docker command waits for a file from it: the engine would keep the
 * file's container locked, and could neither kill nor inspect it.
 */
async function suspend(step: RunningStep["process"]): Promise<void> {
  const copies = () =>
    run("pgrep", ["-P", `${step.pid}`, "-f", "docker cp"]).then(
      ({ stdout }) => stdout,
      () => "",
    );
  step.kill("SIGSTOP");
  while ((await copies()) !== "") {
    step.kill("SIGCONT");
    await sleep(20);
    step.kill("SIGSTOP");
  }
}

describe("the engine", () => {
  test("no docker CLI", async () => {
    const folder = mkdtempSync(join(tmpdir(), "empty-"));
    const { errors } = await failing({}, { env: { PATH: folder } });
    rmSync(folder, { recursive: true });
    expect(errors).toMatchObject([{ title: "docker CLI not found" }]);
    expect(errors[0]?.message).toContain("needs the docker CLI on the PATH");
  });

  test("an engine that does not run", async () => {
    const { errors } = await failing({}, { env: { DOCKER_HOST: "unix:///nowhere/docker.sock" } });
    expect(errors).toMatchObject([{ title: "Docker engine not reachable" }]);
    expect(errors[0]?.message).toContain("unix:///nowhere/docker.sock");
  });

  test("an engine that denies access", async () => {
    const { env, stop } = await deniedEngine();
    const { errors } = await failing({}, { env });
    stop();
    expect(errors).toMatchObject([{ title: "Docker engine: permission denied" }]);
    expect(errors[0]?.message).toContain("`docker` group");
  });

  test("an engine that stops halfway", async () => {
    const { host, cut } = await engineProxy();
    const job = new RecordedJob({ env: { DOCKER_HOST: host } });
    const step = job.start(testInputs());
    await firstContainer(step, "server-1");
    cut();
    const result = await step.result;
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)).toMatchObject([{ title: "Docker engine not reachable" }]);
    const lost = await job.post();
    expect(lost.exitCode).toBe(0);
    expect(lost.log).toContain("To remove what is left");
    // The engine is back at its usual address.
    const back = new RecordedJob();
    const post = await back.post(result);
    expect(post.log).toMatch(/Cluster \w+ removed/);
    job.dispose();
    back.dispose();
  });

  test("an engine that a docker context names", async () => {
    const { host, cut, connections } = await engineProxy();
    const config = mkdtempSync(join(tmpdir(), "docker-config-"));
    const env = { DOCKER_CONFIG: config, DOCKER_HOST: "" };
    const cli = (...args: string[]) =>
      spawnSync("docker", args, { env: { ...process.env, ...env } });
    expect(cli("context", "create", "elsewhere", `--docker=host=${host}`).status).toBe(0);
    expect(cli("context", "use", "elsewhere").status).toBe(0);
    const job = new RecordedJob({ env });
    const result = await job.main(testInputs({ servers: "1" }));
    const post = await job.post();
    job.dispose();
    cut();
    rmSync(config, { recursive: true });
    expect(connections()).toBeGreaterThan(5);
    expect(result.log).not.toContain("::error");
    expect(post.log).toMatch(/removed: 1 container,/);
  });
});

describe("the runner", () => {
  test("command files that are missing", async () => {
    const commandFiles = { GITHUB_STATE: "/nowhere/state", GITHUB_OUTPUT: "" };
    const { errors } = await failing({}, { commandFiles });
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toContain("GITHUB_STATE is /nowhere/state");
    expect(errors[0]?.message).toContain("GITHUB_OUTPUT is not set");
  });

  test("a full disk at a command file", async () => {
    const { errors } = await failing({}, { commandFiles: { GITHUB_ENV: "/dev/full" } });
    expect(errors[0]?.message).toContain("ENOSPC: no space left on device");
  });

  test("a full disk at the summary costs only the summary", async () => {
    const job = new RecordedJob({ commandFiles: { GITHUB_STEP_SUMMARY: "/dev/full" } });
    const result = await job.main(testInputs({ servers: "1" }));
    await job.post();
    job.dispose();
    expect(result.exitCode).toBe(0);
    expect(result.log).toMatch(/::warning::The job summary can't be written: ENOSPC/);
  });

  test("a RUNNER_TEMP that can't be written", async () => {
    const options = { env: { RUNNER_TEMP: "/proc/self" } };
    const { result, errors } = await failing({ config: notItsAddress }, options);
    expect(errors[0]?.title).toBe("server-1 exited");
    expect(result.log).toMatch(
      /::warning::The agents' logs can't be saved: Can't write \/proc\/self/,
    );
  });
});

describe("inputs that conflict with the machine, or that Consul refuses", () => {
  test("a port that a process uses and a missing network, reported together", async () => {
    const { port, stop } = await listener();
    const { result, errors } = await failing({ "http-port": String(port), network: "no-such-net" });
    stop();
    expect(errors.map(({ title }) => title)).toEqual([
      "Invalid input: http-port",
      "Invalid input: network",
    ]);
    expect(errors[0]?.message).toContain(`is ${port}, but the process ${process.pid} (`);
    // Reported before any agent was started.
    expect(result.log).not.toMatch(/^::group::Start| started$/m);
  });

  test("a port that a container uses", async () => {
    const { port, stop } = await listener();
    stop();
    const holder = `port-holder-${runId}`;
    const command = ["--entrypoint=sleep", testImage(), "60"];
    await docker("run", "-d", `--name=${holder}`, `-p127.0.0.1:${port}:80`, ...command);
    const { errors } = await failing({ "dns-port": String(port) }).finally(() =>
      docker("rm", "-fv", holder),
    );
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toContain("`dns-port`");
    expect(errors[0]?.message).toContain(`the container ${holder} already listens`);
  });

  test.each([
    [
      'datacenter = "other"',
      '`datacenter` is "other", but the action needs "dc1" on server-1: use',
    ],
    ["ports { http = 9500 }", "`ports.http` is 9500, but the action needs 8500 on server-1: use"],
    ['node_name = "me"', '`node_name` is "me", but the action needs "server-1" on server-1: use'],
    ["server = false", "`server` is false, but the action needs true on server-1: use"],
  ])("a setting that the action relies on: %j", async (config, words) => {
    const { result, errors } = await failing({ config });
    expect(errors).toMatchObject([{ title: "Invalid input: config" }]);
    expect(errors[0]?.message).toContain(words);
    expect(result.state).toEqual({});
  });

  test.each([
    ["ports {\n  http = 8500\n", "At 2:17: object expected closing RBRACE"],
    ["no_such_setting = 1", "invalid config key no_such_setting"],
    ['encrypt = "abc"', "encrypt has invalid key"],
    ['{"ports": {"http": "x"}}', "http"],
  ])("config that Consul refuses: %j", async (config, words) => {
    const { errors } = await failing({ config });
    expect(errors).toMatchObject([{ title: "Invalid input: config" }]);
    expect(errors[0]?.message).toContain(words);
  });
});

/** Milliseconds: 2 s, or what 20 commands take if the machine is so busy that this is longer. */
async function twoSeconds(): Promise<number> {
  const start = performance.now();
  await docker("version");
  return Math.max(2000, 20 * (performance.now() - start));
}

describe("an agent", () => {
  test("that exits at once", async () => {
    const { result, errors } = await failing({ config: notItsAddress });
    expect(errors).toMatchObject([{ title: "server-1 exited" }]);
    expect(errors[0]?.message).toMatch(/^server-1 exited \(exit code 1\)/);
    expect(errors[0]?.message).toContain("192.0.2.1");
    expect(result.log).toContain("::group::server-1 exited with code 1");
  });

  test("that can't be started ends the container that made its keys", async () => {
    const script = '#!/consul/sh\necho "Consul v1.8.7"\n';
    const entrypoint = 'ENTRYPOINT ["/no/entrypoint"]';
    const image = await imageWithScript("no-entrypoint", testImage(), script, [entrypoint]);
    const { errors } = await failing({ image, "gossip-encryption": "true" });
    expect(errors).toMatchObject([{ title: "server-1 can't start" }]);
    expect(errors[0]?.message).toContain("/no/entrypoint");
  });

  test("whose last lines are long: the annotation fits, and the log has all of them", async () => {
    const script = `#!/consul/sh
if [ "$*" = version ]; then echo "Consul v1.8.7"; exit; fi
for line in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do echo "$line ${"x".repeat(900)}"; done
exit 3
`;
    const image = await imageWithScript("talkative", testImage(), script);
    const { result, errors } = await failing({ image });
    const { message = "" } = errors[0] ?? {};
    expect(message.length).toBeLessThanOrEqual(4096);
    const [cause, advice, heading, mark, ...lines] = message.split("\n");
    expect(cause).toBe("server-1 exited (exit code 3).");
    expect(advice).toContain("a setting in `config` or `env`");
    expect([heading, mark]).toEqual([
      "Last lines of server-1's log:",
      "  … (7 lines cut; the log of this step has all of it)",
    ]);
    expect(lines.map((line) => line.slice(0, 6))).toEqual(
      [8, 9, 10, 11, 12, 13, 14, 15].map((number) => `  ${number} x`.padEnd(6, "x")),
    );
    expect(result.log).toContain(`::group::The whole message\n`);
    for (const number of [1, 15]) expect(result.log).toContain(`  ${number} ${"x".repeat(900)}\n`);
  });

  test("that is killed while the cluster starts is reported within 2 s", async () => {
    const inputs = { ...neverLed, timeout: "60s" };
    const { errors, waited } = await disturbed(inputs, (name) => docker("kill", name));
    expect(errors).toMatchObject([{ title: "server-1 exited" }]);
    expect(errors[0]?.message).toContain("code 137");
    expect(waited).toBeLessThan(await twoSeconds());
  });

  test("that is killed together with another: both are named", async () => {
    const inputs = { ...neverLed, timeout: "60s" };
    const { errors } = await disturbed(inputs, async (first, { process }) => {
      const both = [first, first.replace("server-1", "server-2")];
      const areAll = (status: string) =>
        eventually(
          () => docker("ps", "--all", `--filter=status=${status}`, "--format={{.Names}}"),
          (names) => both.every((name) => names.split("\n").includes(name)),
        );
      await areAll("running");
      // The engine notices one after the other. The step sees both at once.
      await suspend(process);
      try {
        await docker("kill", ...both);
        await areAll("exited");
      } finally {
        process.kill("SIGCONT");
      }
    });
    expect(errors).toHaveLength(1);
    expect(errors[0]?.title.split(", ").sort()).toEqual(["server-1 exited", "server-2 exited"]);
    expect(errors[0]?.message).toContain("server-1 exited (exit code 137)");
    expect(errors[0]?.message).toContain("server-2 exited (exit code 137)");
  });

  test("that is OOM-killed", async () => {
    const limit = ["--memory=24m", "--memory-swap=24m"];
    const inputs = { ...neverLed, timeout: "60s" };
    const { errors } = await disturbed(inputs, async (name) => {
      // The kernel accepts no limit below what it can't reclaim, so the agent is made to grow.
      await docker("update", ...limit, name).catch(() =>
        docker("update", "--memory=64m", "--memory-swap=64m", name),
      );
      const grow = "x=a; while :; do x=$x$x; done";
      await docker("exec", name, "sh", "-c", grow).catch(() => "");
    });
    expect(errors[0]?.title).toBe("server-1 was OOM-killed");
    expect(errors[0]?.message).toContain("code 137");
  });

  test("that never joins: which nodes it does not see, and its last warnings", async () => {
    const inputs = { ...neverLed, timeout: "20s" };
    const cutOffOnceBound = async (container: string) => {
      // An agent without an address to bind to exits.
      await eventually(
        () => docker("logs", container),
        (log) => log.includes("Cluster Addr"),
      );
      await cutOff(container);
    };
    const { errors, result } = await disturbed(inputs, cutOffOnceBound, "server-3");
    expect(errors).toMatchObject([{ title: "Consul is not ready" }]);
    expect(errors[0]?.message).toMatch(/server-1 sees server-2; not server-3/);
    expect(errors[0]?.message).toContain("server-3 does not answer");
    expect(errors[0]?.message).toMatch(
      /Last warnings of these nodes:\n {2}server-3: .*\[(WARN|ERR)/,
    );
    expect(result.summary).toMatch(/^\| server-1 \| running \| 2 of 3 \| server-3 \|/m);
    expect(result.summary).toMatch(/^\| server-3 \| running \| no answer: `.+` \|/m);
  });

  test("without a leader in time: which nodes see each other", async () => {
    const inputs = { ...neverLed, timeout: "15s" };
    const { errors } = await failing(inputs);
    expect(errors).toMatchObject([{ title: "Consul is not ready" }]);
    expect(errors[0]?.message).toContain("all agents report the same leader");
    expect(errors[0]?.message).toMatch(/server-1 sees (server-2, server-3|server-3, server-2)/);
  });
});

/** Disconnects a container from every network. */
async function cutOff(container: string): Promise<void> {
  const each = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
  const networks = (await docker("inspect", `--format=${each}`, container)).trim().split(" ");
  for (const network of networks)
    await docker("network", "disconnect", "--force", network, container);
}
