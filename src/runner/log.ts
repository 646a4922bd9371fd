import { randomUUID } from "node:crypto";
import * as core from "@actions/core";
import { ActionError, InputError, messageOf } from "../errors.ts";

/** `1 container`, `2 containers`. */
export const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Writes a line with the seconds since this process started. */
export function logTimed(line: string): void {
  core.info(`${process.uptime().toFixed(2).padStart(6)} s  ${line}`);
}

/**
 * Shows lines that others wrote, such as an agent's log. The runner must not take a line of them
 * for a command of ours.
 */
export function showForeign(title: string, lines: readonly string[]): void {
  const token = randomUUID();
  core.startGroup(title);
  core.info(`::stop-commands::${token}`);
  for (const line of lines) core.info(line);
  core.info(`::${token}::`);
  core.endGroup();
}

/** Reports what was thrown as one annotation a problem, and fails the step. */
export function fail(error: unknown): void {
  process.exitCode = 1;
  if (error instanceof InputError)
    for (const { input, message, place } of error.problems)
      core.error(message, {
        title: `Invalid input: ${input}`,
        // The runner shows the annotation in the file itself.
        ...(place?.path && { file: place.path, startLine: place.line, startColumn: place.column }),
      });
  else if (error instanceof ActionError) core.error(error.message, { title: error.title });
  else
    core.error(error instanceof Error ? (error.stack ?? error.message) : messageOf(error), {
      title: "A defect of this action",
    });
}
