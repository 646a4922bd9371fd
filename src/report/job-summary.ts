import * as core from "@actions/core";
import { messageOf } from "../errors.ts";
import { warn } from "../runner/log.ts";

/** Adds Markdown to the job summary. If that fails it warns: no job depends on it. */
export async function writeSummary(markdown: string): Promise<void> {
  try {
    await core.summary.addRaw(markdown, true).write();
  } catch (error) {
    warn(`The job summary can't be written: ${messageOf(error)}`);
  }
}
