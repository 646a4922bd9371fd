import { accessSync, constants } from "node:fs";
import { ActionError, messageOf } from "../errors.ts";

/** The files by which a step answers to the runner, and what can't be had without each. */
const commandFiles = {
  GITHUB_STATE: "the post step could not find the cluster to remove it",
  GITHUB_OUTPUT: "the cluster's addresses could not be handed to the job",
  GITHUB_ENV: "CONSUL_HTTP_ADDR and its companions could not be handed to the job",
} as const;

/**
 * Makes sure that the runner can be answered, before there is anything to answer.
 *
 * @param env - the runner's environment
 * @throws ActionError naming each file that is missing
 */
export function checkCommandFiles(env: Readonly<Record<string, string | undefined>>): void {
  const problems = Object.entries(commandFiles).flatMap(([name, loss]) => {
    const reason = unwritable(env[name]);
    return reason === undefined ? [] : [`${name} ${reason}: without it ${loss}.`];
  });
  if (problems.length === 0) return;
  const advice =
    "The runner names these files in the step's environment (actions/runner 2.297 or newer). Look whether its disk is full or its _work folder was removed, and whether a step or a wrapper clears the environment.";
  throw new ActionError("The runner's command files are missing", [...problems, advice].join("\n"));
}

function unwritable(path = ""): string | undefined {
  if (path === "") return "is not set";
  try {
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    return `is ${path}, which can't be written (${messageOf(error)})`;
  }
}

/**
 * Runs what writes to one of the runner's files.
 *
 * @throws ActionError where the disk is full or the file is gone
 */
export function writeCommandFile<T>(write: () => T): T {
  try {
    return write();
  } catch (cause) {
    throw commandFileError(cause);
  }
}

/** What is said where the runner's file could not be written. */
export function commandFileError(cause: unknown): ActionError {
  const message = `A command file of the runner can't be written: ${messageOf(cause)}. Free space on the runner's disk, and look whether its _work folder is still there.`;
  return new ActionError("The runner's command files can't be written", message, { cause });
}
