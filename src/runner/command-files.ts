import { accessSync, constants } from "node:fs";
import { ActionError, messageOf } from "../errors.ts";

/** The files through which a step reports to the runner, and what fails without each. */
const commandFiles = {
  GITHUB_STATE: "the post step can't find the cluster to remove it",
  GITHUB_OUTPUT: "later steps can't get the cluster's addresses",
  GITHUB_ENV: "later steps can't get CONSUL_HTTP_ADDR and the other variables",
} as const;

/**
 * Checks the runner's command files before anything is started.
 *
 * @param env - the runner's environment
 * @throws ActionError naming each file that is missing or not writable
 */
export function checkCommandFiles(env: Readonly<Record<string, string | undefined>>): void {
  const problems = Object.entries(commandFiles).flatMap(([name, consequence]) => {
    const reason = unwritable(env[name]);
    return reason === undefined ? [] : [`${name} ${reason}: without it ${consequence}.`];
  });
  if (problems.length === 0) return;
  const advice =
    "The runner (actions/runner 2.297 or later) passes their paths in the step's environment. Check whether its disk is full, whether its _work folder was removed, and whether a step or a wrapper clears the environment.";
  throw new ActionError("Runner command files missing", [...problems, advice].join("\n"));
}

function unwritable(path = ""): string | undefined {
  if (path === "") return "is not set";
  try {
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    return `is ${path}, which is not writable (${messageOf(error)})`;
  }
}

/**
 * Runs a function that writes to a command file of the runner.
 *
 * @returns what the function returns
 * @throws ActionError if it throws: the disk is full, or the file is gone
 */
export function writeCommandFile<T>(write: () => T): T {
  try {
    return write();
  } catch (cause) {
    throw commandFileError(cause);
  }
}

/** The error for a command file that could not be written. */
function commandFileError(cause: unknown): ActionError {
  const message = `Can't write a command file of the runner: ${messageOf(cause)}. Free space on the runner's disk, and check that its _work folder still exists.`;
  return new ActionError("Can't write the runner's command files", message, { cause });
}
