import * as z from "zod";
import {
  clusterInput,
  defaultsOf,
  flag,
  jobStatusInput,
  logsInput,
  readValidInputs,
} from "../inputs/input-schema.ts";

/** Every input, in the order of remove/action.yml. */
const inputs = z.object({
  cluster: clusterInput,
  "export-env": flag(true),
  logs: logsInput,
  "job-status": jobStatusInput,
});

/** The inputs of a removal. */
export type RemoveSpec = z.output<typeof inputs>;

/** Every input's default, as the runner's string. */
export const removeInputDefaults = defaultsOf(inputs);

/**
 * @param read - returns an input's text by its name, as `core.getInput` does
 * @throws InputError with all problems
 */
export const parseRemoveInputs = (read: (name: string) => string): RemoveSpec =>
  readValidInputs(inputs, read);
