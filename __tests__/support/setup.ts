/** Cleans up after every test file that starts real clusters, and says where a failed one's logs are. */
import type { RunnerTask } from "vitest";
import { afterAll } from "vitest";
import { removeClustersLeft } from "./cluster.ts";
import { forgetRecords, recordFolder } from "./record.ts";

const hasFailed = (task: RunnerTask): boolean =>
  task.result?.state === "fail" || ("tasks" in task && task.tasks.some(hasFailed));

// biome-ignore lint/correctness/noEmptyPattern: Vitest reads from this parameter which fixtures to make.
afterAll(async ({}, suite) => {
  let isRemoved = false;
  try {
    await removeClustersLeft();
    isRemoved = true;
  } finally {
    if (isRemoved && !hasFailed(suite)) forgetRecords();
    else console.error(`Logs of this file's steps and agents: ${recordFolder}`);
  }
});
