import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { recordStep, runningSteps } from "../../../src/runner/step-records.ts";

const source = resolve("src/runner/step-records.ts");

function records(): string {
  const folder = mkdtempSync(join(tmpdir(), "steps-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "steps");
}

/** A process that records itself as a step, says how that went, and ends with its standard input. */
function step(folder: string, name: string): ChildProcess {
  const code = `
    import { recordStep } from ${JSON.stringify(source)};
    try {
      recordStep(${JSON.stringify(folder)}, ${JSON.stringify(name)});
      console.log("runs");
    } catch (error) {
      console.log(error.title + ": " + error.message);
    }
    process.stdin.resume().on("end", () => process.exit());`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return child;
}

async function answer({ stdout }: ChildProcess): Promise<string> {
  const [data] = stdout ? await once(stdout, "data") : [];
  return String(data).trim();
}

async function end(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.stdin?.end();
  await exit;
}

describe.runIf(process.platform === "linux")("the record of a step", () => {
  test("refuses a second step, with the first named, until the first has ended", async () => {
    const folder = records();
    const first = step(folder, "The `upgrade` step");
    expect(await answer(first)).toBe("runs");
    expect(() => recordStep(folder, "Another")).toThrow(
      `The \`upgrade\` step (process ${first.pid}) is still working on this cluster`,
    );
    await end(first);
    expect(readdirSync(folder)).toEqual([]);
    expect(await answer(step(folder, "A third step"))).toBe("runs");
  });

  test("does not count after its process was killed", async () => {
    const folder = records();
    const killed = step(folder, "The `fault` step");
    await answer(killed);
    killed.kill("SIGKILL");
    await once(killed, "exit");
    expect(readdirSync(folder)).toEqual(["1"]);
    expect(runningSteps(folder)).toEqual([]);
    expect(await answer(step(folder, "Another"))).toBe("runs");
  });

  test("exists once, however many steps start at the same moment after a killed one", async () => {
    const folder = records();
    const killed = step(folder, "Killed");
    await answer(killed);
    killed.kill("SIGKILL");
    await once(killed, "exit");
    const steps = Array.from({ length: 6 }, (_, index) => step(folder, `Step ${index}`));
    const answers = await Promise.all(steps.map(answer));
    expect(answers.filter((each) => each === "runs")).toHaveLength(1);
    expect(answers.filter((each) => each.startsWith("Another step"))).toHaveLength(5);
    await Promise.all(steps.map(end));
  });

  test("is not needed: a folder that can't be written stops no step", () => {
    const folder = records();
    writeFileSync(folder, "");
    expect(() => recordStep(folder, "A step")).not.toThrow();
    expect(runningSteps(folder)).toEqual([]);
  });
});
