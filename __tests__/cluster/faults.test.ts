/** What a step says when something around it is broken, and that nothing stays behind. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Job, type JobOptions, type RunningStep } from "../../script/runner.ts";
import { deniedEngine, engineProxy, errorsOf, listener } from "../faults.ts";
import { eventually } from "../secured.ts";
import { docker, engineHoldings, testInputs } from "../support.ts";

let before: string[];
beforeAll(async () => {
  before = await engineHoldings();
});
afterAll(async () => {
  expect(await engineHoldings()).toEqual(before);
});

type Inputs = Readonly<Record<string, string>>;

/** A main step that fails, and its post step. */
async function failing(inputs: Inputs = {}, options: JobOptions = {}) {
  const job = new Job(options);
  const result = await job.main(testInputs({ servers: "1", ...inputs }));
  const post = await job.post();
  job.dispose();
  expect(result.exitCode).toBe(1);
  expect(post.exitCode).toBe(0);
  expect(result.log).not.toMatch(/^ {4}at /m);
  return { result, errors: errorsOf(result), post };
}

/** The same, where something is done to the cluster once a container of it runs. */
async function disturbed(
  inputs: Inputs,
  disturb: (container: string) => Promise<unknown>,
  node = "server-1",
) {
  let toldAt = Number.POSITIVE_INFINITY;
  const onLine = (line: string) => {
    if (line.startsWith("::error")) toldAt = performance.now();
  };
  const job = new Job({ onLine });
  const step = job.start(testInputs(inputs));
  const container = await firstContainer(step, node);
  await disturb(container);
  const disturbedAt = performance.now();
  const result = await step.result;
  const waited = toldAt - disturbedAt;
  const post = await job.post();
  job.dispose();
  expect(result.exitCode).toBe(1);
  expect(post.exitCode).toBe(0);
  return { result, errors: errorsOf(result), waited };
}

async function firstContainer({ process }: RunningStep, node: string): Promise<string> {
  const filters = [`--filter=name=-${node}$`, "--filter=label=consul-cluster-action.cluster"];
  const list = async () => (await docker("ps", "--format={{.Names}}", ...filters)).split("\n");
  // A cluster of another test, which failed, is not the one that is meant.
  const others = await list();
  while (process.exitCode === null) {
    const name = (await list()).find((each) => each !== "" && !others.includes(each));
    if (name !== undefined) return name;
    await sleep(20);
  }
  throw new Error("the step ended before there was a container");
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

  test("an engine that stops half-way", async () => {
    const { host, cut } = await engineProxy();
    const job = new Job({ env: { DOCKER_HOST: host } });
    const step = job.start(testInputs());
    await firstContainer(step, "server-1");
    cut();
    const result = await step.result;
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)).toMatchObject([{ title: "Docker engine not reachable" }]);
    const lost = await job.post();
    expect(lost.exitCode).toBe(0);
    expect(lost.log).toContain("To remove what is left");
    // The engine is back, at its usual place.
    const back = new Job();
    const post = await back.post(result);
    expect(post.log).toMatch(/Cluster \w+ removed/);
    job.dispose();
    back.dispose();
  });

  test("an engine that is reached by a docker context", async () => {
    const { host, cut } = await engineProxy();
    const config = mkdtempSync(join(tmpdir(), "docker-config-"));
    const env = { DOCKER_CONFIG: config, DOCKER_HOST: "" };
    const cli = (...args: string[]) =>
      spawnSync("docker", args, { env: { ...process.env, ...env } });
    expect(cli("context", "create", "elsewhere", `--docker=host=${host}`).status).toBe(0);
    expect(cli("context", "use", "elsewhere").status).toBe(0);
    const job = new Job({ env });
    const result = await job.main(testInputs({ servers: "1" }));
    const post = await job.post();
    job.dispose();
    cut();
    rmSync(config, { recursive: true });
    expect(result.log).not.toContain("::error");
    expect(post.log).toMatch(/removed: 1 containers/);
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

  test("a full disk under the command files", async () => {
    const { errors } = await failing({}, { commandFiles: { GITHUB_ENV: "/dev/full" } });
    expect(errors[0]?.message).toContain("ENOSPC: no space left on device");
  });

  test("a full disk under the summary costs the summary only", async () => {
    const job = new Job({ commandFiles: { GITHUB_STEP_SUMMARY: "/dev/full" } });
    const result = await job.main(testInputs({ servers: "1" }));
    await job.post();
    job.dispose();
    expect(result.exitCode).toBe(0);
    expect(result.log).toMatch(/::warning::The job summary can't be written: ENOSPC/);
  });

  test("a RUNNER_TEMP that can't be written", async () => {
    const options = { env: { RUNNER_TEMP: "/proc/self" } };
    const { result, errors } = await failing({ config: 'bind_addr = "192.0.2.1"' }, options);
    expect(errors[0]?.title).toBe("server-1 exited");
    expect(result.log).toMatch(/::warning::The agents' logs can't be written to \/proc\/self/);
  });
});

describe("the inputs, as the machine and Consul see them", () => {
  test("a port that a process has, and a network that is not there, at once", async () => {
    const { port, stop } = await listener();
    const { result, errors } = await failing({ "http-port": String(port), network: "no-such-net" });
    stop();
    expect(errors.map(({ title }) => title)).toEqual([
      "Invalid input: http-port",
      "Invalid input: network",
    ]);
    expect(errors[0]?.message).toContain(`is ${port}, but the process ${process.pid} (`);
    expect(result.milliseconds).toBeLessThan(3000);
  });

  test("a port that a container has", async () => {
    const { port, stop } = await listener();
    stop();
    const image = testInputs().image ?? "";
    const command = ["--entrypoint=sleep", image, "60"];
    await docker("run", "-d", "--name=port-holder", `-p127.0.0.1:${port}:80`, ...command);
    const { errors } = await failing({ "dns-port": String(port) }).finally(() =>
      docker("rm", "-fv", "port-holder"),
    );
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toContain("`dns-port`");
    expect(errors[0]?.message).toContain("the container port-holder listens");
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

/** Three servers wait for five, so there is never a leader. */
const neverLed = "bootstrap_expect = 5";

describe("an agent", () => {
  test("that exits at once", async () => {
    const { result, errors } = await failing({ config: 'bind_addr = "192.0.2.1"' });
    expect(errors).toMatchObject([{ title: "server-1 exited" }]);
    expect(errors[0]?.message).toMatch(/^server-1 exited: it ended with code 1/);
    expect(errors[0]?.message).toContain("192.0.2.1");
    expect(result.log).toContain("::group::server-1 exited with code 1");
  });

  test("that is killed while the cluster starts is told within 2 s", async () => {
    const inputs = { servers: "3", config: neverLed, timeout: "60s" };
    const { errors, waited } = await disturbed(inputs, (name) => docker("kill", name));
    expect(errors).toMatchObject([{ title: "server-1 exited" }]);
    expect(errors[0]?.message).toContain("code 137");
    expect(waited).toBeLessThan(2000);
  });

  test("that the kernel kills for memory", async () => {
    const limit = ["--memory=24m", "--memory-swap=24m"];
    const inputs = { servers: "3", config: neverLed, timeout: "60s" };
    const { errors } = await disturbed(inputs, async (name) => {
      // The kernel takes no limit below what can't be reclaimed, so the agent is made to grow.
      await docker("update", ...limit, name).catch(() =>
        docker("update", "--memory=64m", "--memory-swap=64m", name),
      );
      const grow = "x=a; while :; do x=$x$x; done";
      await docker("exec", name, "sh", "-c", grow).catch(() => "");
    });
    expect(errors[0]?.title).toBe("server-1 was killed by the kernel for memory");
    expect(errors[0]?.message).toContain("code 137");
  });

  test("that never joins: who sees whom, and what it complains of", async () => {
    const inputs = { servers: "3", timeout: "15s", config: neverLed };
    const cutOffOnceBound = async (container: string) => {
      // An agent that finds no address to bind to exits.
      await eventually(
        () => docker("logs", container),
        (log) => log.includes("Cluster Addr"),
      );
      await cutOff(container);
    };
    const { errors } = await disturbed(inputs, cutOffOnceBound, "server-3");
    expect(errors).toMatchObject([{ title: "Consul is not ready" }]);
    expect(errors[0]?.message).toMatch(/server-1 sees server-2; not server-3/);
    expect(errors[0]?.message).toContain("server-3 does not answer");
    expect(errors[0]?.message).toMatch(
      /What these nodes complained of last:\n {2}server-3: .*\[(WARN|ERR)/,
    );
  });

  test("no leader in time: who sees whom", async () => {
    const inputs = { servers: "3", timeout: "10s", config: neverLed };
    const { errors } = await failing(inputs);
    expect(errors).toMatchObject([{ title: "Consul is not ready" }]);
    expect(errors[0]?.message).toContain("one leader");
    expect(errors[0]?.message).toMatch(/server-1 sees (server-2, server-3|server-3, server-2)/);
  });
});

/** Takes a container off every network. */
async function cutOff(container: string): Promise<void> {
  const each = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
  const networks = (await docker("inspect", `--format=${each}`, container)).trim().split(" ");
  for (const network of networks)
    await docker("network", "disconnect", "--force", network, container);
}
