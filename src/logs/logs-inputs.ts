import * as z from "zod";
import { clusterInput, defaultsOf, readValidInputs } from "../inputs/input-schema.ts";

/** Every input, in the order of logs/action.yml. */
const inputs = z.object({ cluster: clusterInput });

/** Every input's default, as the runner's string. */
export const logsInputDefaults = defaultsOf(inputs);

/**
 * @param read - returns an input's text by its name, as `core.getInput` does
 * @returns `cluster`: the ID of a cluster, or empty for all clusters of the job
 * @throws InputError if it can't be an ID
 */
export const parseLogsInputs = (read: (name: string) => string) => readValidInputs(inputs, read);
