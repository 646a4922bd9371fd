import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  isAlive,
  type ListedProcess,
  parseStat,
  pidNamespace,
  runnerProcess,
} from "../../../src/runner/processes.ts";

describe("the runner's process", () => {
  /** Processes by name, each the parent of the next, with IDs 1, 2, … */
  const chain = (...names: readonly string[]) => {
    const listed = names.map((name, index): ListedProcess => {
      return { name, pid: index + 1, parent: index, startTime: `${index}00`, isZombie: false };
    });
    return runnerProcess(names.length, (pid) => listed[pid - 1]);
  };

  test.each([
    "Runner.Worker",
    "act",
    "gh-act",
    "act_runner",
    "act_runner-0.2.",
    "gitea-runner",
    "gitea-runner-1.",
    "forgejo-runner",
    "forgejo-runner-",
  ])("is an ancestor named %s", (name) => {
    expect(chain("systemd", name, "sh")).toEqual({ name, pid: 2, startTime: "100" });
  });

  test.each(["Runner.Listener", "runner", "react", "act_runner.sh", "act_runner-star", "npm"])(
    "is no ancestor named %s",
    (name) => {
      expect(chain("systemd", name, "sh")).toBeUndefined();
    },
  );

  test("is the closest one: act in a step of GitHub's runner", () => {
    expect(chain("Runner.Worker", "bash", "act", "sh")).toMatchObject({ name: "act", pid: 3 });
  });

  test("is none if the parent is outside of the PID namespace, as in a job container", () => {
    expect(runnerProcess(0)).toBeUndefined();
  });
});

test("a process name may contain parentheses, spaces, and line breaks", () => {
  const fields = "S 41 42 42 0 -1 4194560 9 0 0 0 0 0 0 0 20 0 1 0 987654 10 20";
  const name = "a) S (b\n c";
  expect(parseStat(`43 (${name}) ${fields}\n`)).toEqual({
    name,
    pid: 43,
    parent: 41,
    startTime: "987654",
    isZombie: false,
  });
});

describe.runIf(process.platform === "linux")("on Linux", () => {
  test("a process is alive until it ends; a later process with its ID is another one", async () => {
    const child = spawn("sleep", ["60"]);
    await once(child, "spawn");
    const { pid, startTime } = parseStat(readFileSync(`/proc/${child.pid}/stat`, "utf8"));
    const identity = { name: "sleep", pid, startTime };
    expect(isAlive(identity)).toBe(true);
    expect(isAlive({ ...identity, startTime: `${Number(startTime) - 1}` })).toBe(false);
    child.kill();
    await once(child, "exit");
    expect(isAlive(identity)).toBe(false);
  });

  test("a process that has exited is not alive, even if its parent has not asked how", async () => {
    const script = 'sleep 0.05 & echo "$!"; exec sleep 60';
    const parent = spawn("sh", ["-c", script]);
    const [line] = await once(parent.stdout, "data");
    const pid = Number(String(line));
    const stat = () => parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
    const { startTime } = stat();
    await expect.poll(() => stat().isZombie).toBe(true);
    expect(isAlive({ pid, startTime })).toBe(false);
    parent.kill();
  });

  test("there is a PID namespace", () => {
    expect(pidNamespace()).toMatch(/^pid:\[\d+\]$/);
  });
});
