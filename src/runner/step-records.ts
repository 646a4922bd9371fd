/**
 * Each step that works on a cluster leaves a record on the runner until it ends, so that another step
 * can tell that it still runs. In a container job the runner's signals don't reach our process: it
 * runs on when the step has been canceled, even beside the post step.
 */
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as core from "@actions/core";
import * as z from "zod";
import { ActionError, messageOf } from "../errors.ts";
import { giveToOwnerOfFolder } from "./ownership.ts";
import { isAlive, ownProcess, pidNamespace } from "./processes.ts";

const recordSchema = z.object({
  /** How messages name the step: `upgrade`. */
  step: z.string(),
  name: z.string(),
  pid: z.number().int().positive(),
  startTime: z.string(),
  /** The namespace in which the process ID is valid. */
  namespace: z.string(),
});

/** A step of a cluster, and its process. */
export type StepRecord = z.output<typeof recordSchema>;

/**
 * Records that this step works on a cluster, until its process exits.
 *
 * Records are numbered, and the next number can be taken only once. Since a process removes no record
 * but its own, the process with the highest number is the only one that may still run.
 *
 * A step that can't be recorded works without one: on systems without /proc, where a process ID
 * can't be told from the same ID used again, and if the folder can't be written.
 *
 * @param folder - for the records of the cluster
 * @param step - how messages name this step
 * @throws ActionError that names the other step if one is still working on the cluster
 */
export function recordStep(folder: string, step: string): void {
  const own = ownProcess();
  if (!own) return;
  try {
    const record = takeNumber(folder, { step, ...own, namespace: pidNamespace() });
    process.once("exit", () => rmSync(record, { force: true }));
  } catch (error) {
    if (error instanceof ActionError) throw error;
    core.debug(`Can't record this step: ${messageOf(error)}`);
  }
}

/** The steps of a cluster that are still running, other than this one. */
export function runningSteps(folder: string): StepRecord[] {
  return numbersIn(folder).flatMap((number) => {
    const record = readRecord(join(folder, String(number)));
    return record && isRunning(record) ? [record] : [];
  });
}

/** @returns the path of the record */
function takeNumber(folder: string, record: StepRecord): string {
  // Not recursive: Node would try forever if a folder can't be made, as in /proc.
  unlessTaken(() => mkdirSync(folder));
  giveToOwnerOfFolder(folder);
  // A link appears with its content, unlike a file that is being written.
  const draft = join(folder, `draft-${record.pid}`);
  writeFileSync(draft, JSON.stringify(record));
  giveToOwnerOfFolder(draft);
  try {
    for (;;) {
      // In this order: a step that comes between the two lines is seen, and one after them has the path.
      const path = join(folder, String(Math.max(0, ...numbersIn(folder)) + 1));
      const [other] = runningSteps(folder);
      if (other) throw busy(other);
      if (unlessTaken(() => linkSync(draft, path))) return path;
    }
  } finally {
    unlinkSync(draft);
  }
}

/** @returns false if something already has the path */
function unlessTaken(create: () => void): boolean {
  try {
    create();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** @returns undefined if the step has just ended, or the file is damaged */
function readRecord(path: string): StepRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** A process of another PID namespace can't be seen from here; it counts as ended. */
const isRunning = (record: StepRecord) =>
  record.pid !== process.pid && record.namespace === pidNamespace() && isAlive(record);

function busy({ step, pid }: StepRecord): ActionError {
  return new ActionError(
    "Another step is working on this cluster",
    `${step} (process ${pid}) is still working on this cluster, and two steps at once would break each other. Wait until it has ended, for example with \`wait ${pid}\` in the script that started it.`,
  );
}
