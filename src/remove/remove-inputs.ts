import * as z from "zod";
import { logsWhen } from "../inputs/cluster-spec.ts";
import { clusterInput, defaultsOf, flag, hints, readValidInputs } from "../inputs/input-schema.ts";

/** Every input, in the order of remove/action.yml. */
const inputs = z.object({
  cluster: clusterInput,
  "export-env": flag(true),
  logs: z.enum(logsWhen).register(hints, {
    default: "failure",
    allowed: `one of ${logsWhen.join(", ")}`,
    example: "always",
  }),
  "job-status": z.string().register(hints, {
    default: "",
    allowed: "set by the runner",
    example: "success",
  }),
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
