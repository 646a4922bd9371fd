/** What the steps and agents of a test file logged, kept until the file has passed. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import {
  Job,
  type MainStep,
  type RunningStep,
  root,
  runId,
  type StepResult,
} from "../../script/runner.ts";
import { run } from "./engine.ts";

/** A folder per test file, since each file has its own run ID. */
export const recordFolder = join(tmpdir(), "consul-cluster-action-tests", runId);

function record(path: string, text: string): void {
  const file = join(recordFolder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

export const forgetRecords = () => rmSync(recordFolder, { recursive: true, force: true });

/** Records the logs of these containers, whatever state they are in. */
export async function recordAgents(cluster: string, containers: readonly string[]): Promise<void> {
  const logs = containers.map(async (container) => {
    const options = { maxBuffer: 2 ** 27 };
    const { stdout, stderr } = await run("docker", ["logs", "--timestamps", container], options);
    record(join(cluster, `${container}.log`), stdout + stderr);
  });
  // A test may have removed one.
  await Promise.allSettled(logs);
}

let steps = 0;

/** A job that records the log of each of its steps, masked, in the order in which they ended. */
export class RecordedJob extends Job {
  override start(inputs: Readonly<Record<string, string>>, folder?: string): RunningStep {
    const step = super.start(inputs, folder);
    // A step that can't be started has nothing to record: the test itself sees the error.
    step.result.then(
      (result) => recordStep(result, "main"),
      () => {},
    );
    return step;
  }

  override async post(of?: MainStep): Promise<StepResult> {
    const result = await super.post(of);
    recordStep(result, "post");
    return result;
  }
}

function recordStep({ action, inputs, log, exitCode, signal }: StepResult, kind: string): void {
  const name = action === root ? "cluster" : basename(action);
  const number = String(++steps).padStart(3, "0");
  const head = `${kind} of ${action} with ${JSON.stringify(inputs)}: ${signal ?? `exit code ${exitCode}`}`;
  record(`${number}-${name}-${kind}.log`, `${head}\n${log}`);
}
