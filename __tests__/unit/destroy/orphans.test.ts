import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { endOrphans, endSteps } from "../../../src/destroy/orphans.ts";
import { parseStat, pidNamespace } from "../../../src/runner/processes.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A process that a test ends, or the end of the test. */
async function running(script: string, env: Record<string, string> = {}) {
  const child = spawn("sh", ["-c", script], { env: { ...process.env, ...env } });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const exit = once(child, "exit");
  await once(child.stdout, "data");
  return { pid: child.pid ?? 0, exit };
}

describe.runIf(process.platform === "linux")("what earlier steps left running", () => {
  const mark = () => ({ CONSUL_CLUSTER_ACTION_ID: randomUUID() });

  test("a docker command that can't be killed is named within the limit", async () => {
    const env = mark();
    const { pid } = await running("echo; sleep 60; true", env);
    vi.spyOn(process, "kill").mockReturnValue(true);
    const started = performance.now();
    const { count, stuck } = await endOrphans(env, 200);
    expect(performance.now() - started).toBeLessThan(4000);
    expect(count).toBe(0);
    expect(stuck).toContainEqual({ pid, command: expect.stringContaining("sleep 60") });
  });

  test("a docker command that belongs to another user is named too", async () => {
    const env = mark();
    const { pid } = await running("echo; sleep 60; true", env);
    vi.spyOn(process, "kill").mockImplementation(() => {
      throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
    });
    const { stuck } = await endOrphans(env, 0);
    expect(stuck.map((each) => each.pid)).toContain(pid);
  });

  test("one that creates something may finish", async () => {
    const env = mark();
    const code = "setTimeout(() => process.exit(7), 700)";
    const options = { argv0: "docker run", env: { ...process.env, ...env } };
    const child = spawn(process.execPath, ["--eval", code], options);
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    const exit = once(child, "exit");
    while (!readFileSync(`/proc/${child.pid}/cmdline`, "utf8").startsWith("docker run"))
      await sleep(5);
    expect(await endOrphans(env, 10_000)).toEqual({ count: 1, stuck: [] });
    expect(await exit).toEqual([7, null]);
  });

  test("one that only reads is ended at once", async () => {
    const env = mark();
    const { pid, exit } = await running("echo; exec sleep 60", env);
    // While a process becomes another program, it has no environment to see.
    while (!readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("sleep")) await sleep(5);
    expect(await endOrphans(env, 10_000)).toEqual({ count: 1, stuck: [] });
    expect(await exit).toEqual([null, "SIGTERM"]);
  });
});

describe("without /proc", () => {
  /** A `ps` that is this script, found first. */
  function playPs(script: string): void {
    const folder = mkdtempSync(join(tmpdir(), "ps-"));
    writeFileSync(join(folder, "ps"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    });
  }
  const mark = { CONSUL_CLUSTER_ACTION_ID: randomUUID() };
  const none = { count: 0, stuck: [] };

  test("processes are those that `ps` lists with their environment", async () => {
    const { pid, exit } = await running("echo; exec sleep 60");
    const line = `${pid} docker ps CONSUL_CLUSTER_ACTION_ID=${mark.CONSUL_CLUSTER_ACTION_ID}`;
    playPs(`if kill -0 ${pid} 2>/dev/null; then echo "${line}"; fi`);
    expect(await endOrphans(mark, 10_000, "darwin")).toEqual({ count: 1, stuck: [] });
    expect(await exit).toEqual([null, "SIGTERM"]);
  });

  test("a `ps` that has no such option, as on Windows, is no reason to fail", async () => {
    playPs("echo 'ps: unknown option -- E' >&2; exit 1");
    expect(await endOrphans(mark, 10_000, "win32")).toEqual(none);
  });

  test("nor is a system without `ps`", async () => {
    vi.stubEnv("PATH", "/nowhere");
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    expect(await endOrphans(mark, 10_000, "win32")).toEqual(none);
  });
});

describe.runIf(process.platform === "linux")("a step that is still running", () => {
  /** A folder with a record of this process. */
  function recorded(pid: number, more: Readonly<Record<string, string>> = {}): string {
    const folder = mkdtempSync(join(tmpdir(), "steps-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { name, startTime } = parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
    const namespace = pidNamespace();
    const record = { step: "The `upgrade` step", name, pid, startTime, namespace, ...more };
    writeFileSync(join(folder, "1"), JSON.stringify(record));
    return folder;
  }

  test("is asked to end, as by the runner", async () => {
    const { pid, exit } = await running("trap 'exit 7' INT; echo; while :; do sleep 0.05; done");
    expect(await endSteps(recorded(pid), 10_000)).toEqual({ count: 1, stuck: [] });
    expect(await exit).toEqual([7, null]);
  });

  test("is killed if it does not end in time", async () => {
    const { pid, exit } = await running("trap '' INT; echo; while :; do sleep 0.05; done");
    expect(await endSteps(recorded(pid), 300)).toEqual({ count: 1, stuck: [] });
    expect(await exit).toEqual([null, "SIGKILL"]);
  });

  test.each([
    ["of another process with the same ID", { startTime: "1" }],
    ["of another PID namespace", { namespace: "pid:[1]" }],
  ])("is none that has the record %s", async (_, more) => {
    const { pid } = await running("echo; exec sleep 60");
    const kill = vi.spyOn(process, "kill");
    expect(await endSteps(recorded(pid, more), 10_000)).toEqual({ count: 0, stuck: [] });
    expect(kill).not.toHaveBeenCalled();
  });

  test("is never this process", async () => {
    const kill = vi.spyOn(process, "kill");
    expect(await endSteps(recorded(process.pid), 10_000)).toEqual({ count: 0, stuck: [] });
    expect(kill).not.toHaveBeenCalled();
  });
});
