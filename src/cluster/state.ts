import * as core from "@actions/core";
import { writeCommandFile } from "../runner/command-files.ts";

/** What main leaves for the post step. */
export interface State {
  readonly clusterId: string;
  readonly cleanup: boolean;
  /** Where evidence goes; empty where none is wanted. */
  readonly logs: string;
  /** Whether evidence is wanted of a job that went well, too. */
  readonly logsAlways: boolean;
}

/**
 * Saved before the first object is created, so that post can remove whatever main reaches.
 *
 * @throws ActionError where the runner's file can't be written
 */
export function saveState({ clusterId, cleanup, logs, logsAlways }: State): void {
  writeCommandFile(() => {
    core.saveState("cluster-id", clusterId);
    core.saveState("cleanup", cleanup);
    core.saveState("logs", logs);
    core.saveState("logs-always", logsAlways);
  });
}

/** @returns undefined where main ended before there was anything to remove */
export function loadState(): State | undefined {
  const clusterId = core.getState("cluster-id");
  if (clusterId === "") return undefined;
  return {
    clusterId,
    cleanup: core.getState("cleanup") === "true",
    logs: core.getState("logs"),
    logsAlways: core.getState("logs-always") === "true",
  };
}
