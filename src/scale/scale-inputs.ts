import * as z from "zod";
import { InputError } from "../errors.ts";
import { wholeNumber } from "../inputs/input-definitions.ts";
import {
  clusterInput,
  datacenterInput,
  defaultsOf,
  hints,
  readValidInputs,
  timeout,
} from "../inputs/input-schema.ts";
import { maxClients, maxClientsOnEngine, maxServers } from "../inputs/limits.ts";

/** A number of nodes; undefined to leave it as it is. */
const count = (min: number, max: number, allowed = `a whole number from ${min} to ${max}`) =>
  z.union([z.literal("").transform(() => undefined), wholeNumber(min, max)]).register(hints, {
    default: "",
    allowed: `${allowed}, or empty to leave it as it is`,
    example: "5",
  });

/** What `clients` may be, on engines that only the cluster knows. */
export const scaledClients = `a whole number from 0 to ${maxClientsOnEngine}, or on several engines that many for each of them`;

/** Every input, in the order of scale/action.yml. */
const inputs = z.object({
  servers: count(1, maxServers),
  clients: count(0, maxClients, scaledClients),
  datacenter: datacenterInput,
  cluster: clusterInput,
  timeout,
});

/** The inputs of one step. The timeout is for each node, in milliseconds. */
export type ScaleSpec = z.output<typeof inputs>;

/** Every input's default, as the runner's string. */
export const scaleInputDefaults = defaultsOf(inputs);

/**
 * @param read - returns an input's text by its name, as `core.getInput` does
 * @throws InputError with all problems
 */
export function parseScaleInputs(read: (name: string) => string): ScaleSpec {
  const spec = readValidInputs(inputs, read);
  if (spec.servers !== undefined || spec.clients !== undefined) return spec;
  const message =
    "Inputs `servers` and `clients` are both empty: set at least one of them to how many there are to be. For example: `clients: 5`.";
  throw new InputError([{ input: "clients", message }]);
}
