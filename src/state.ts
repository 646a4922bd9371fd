import * as core from "@actions/core";

/** What main leaves for the post step. */
export interface State {
  readonly clusterId: string;
  readonly cleanup: boolean;
}

/** Saved before the first object is created, so that post can remove whatever main reaches. */
export function saveState({ clusterId, cleanup }: State): void {
  core.saveState("cluster-id", clusterId);
  core.saveState("cleanup", cleanup);
}

/** @returns undefined where main ended before there was anything to remove */
export function loadState(): State | undefined {
  const clusterId = core.getState("cluster-id");
  return clusterId === "" ? undefined : { clusterId, cleanup: core.getState("cleanup") === "true" };
}
