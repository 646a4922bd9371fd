import * as core from "@actions/core";
import { enginesIn } from "../plan/labels.ts";
import { writeCommandFile } from "../runner/command-files.ts";

/** What the main step leaves for the post step. */
export interface State {
  readonly clusterId: string;
  readonly cleanup: boolean;
  /** Docker contexts of the cluster's engines; empty for the one in use. */
  readonly engines: readonly string[];
  /** Folder for logs; empty if the job wants none. */
  readonly logs: string;
  /** Whether to write logs even if the job succeeds. */
  readonly logsAlways: boolean;
}

/**
 * Saves the state. Comes before the first object is created, so that the post step can remove whatever
 * the main step creates.
 *
 * @throws ActionError if the runner's file can't be written
 */
export function saveState({ clusterId, cleanup, engines, logs, logsAlways }: State): void {
  writeCommandFile(() => {
    core.saveState("cluster-id", clusterId);
    core.saveState("cleanup", cleanup);
    core.saveState("engines", engines.join(" "));
    core.saveState("logs", logs);
    core.saveState("logs-always", logsAlways);
  });
}

/** @returns undefined if the main step ended before there was anything to remove */
export function loadState(): State | undefined {
  const clusterId = core.getState("cluster-id");
  if (clusterId === "") return undefined;
  return {
    clusterId,
    cleanup: core.getState("cleanup") === "true",
    engines: enginesIn(core.getState("engines")),
    logs: core.getState("logs"),
    logsAlways: core.getState("logs-always") === "true",
  };
}
