import * as z from "zod";
import { InputError, type Problem } from "../errors.ts";
import { logsWhen } from "./cluster-spec.ts";
import { datacenterPattern } from "./limits.ts";
import { shown } from "./wording.ts";

/** What messages and docs say about an input. */
export interface Hint {
  /** As the runner passes it if the workflow does not set the input. */
  readonly default: string;
  /** What a value must be: the second half of the error message. */
  readonly allowed: string;
  readonly example: string;
  /** Whether a value may hold secrets, so that no message may show it. */
  readonly isSecret?: true;
}

export const hints = z.registry<Hint>();

/** A job on GitHub's runners may take 6 hours. */
const maxTimeout = 6 * 3600 * 1000;

/** @param standard - the default */
export const flag = (standard: boolean) =>
  z
    .string()
    .regex(/^(true|True|TRUE|false|False|FALSE)$/)
    .transform((text) => text.toLowerCase() === "true")
    .register(hints, {
      default: String(standard),
      allowed: "true or false",
      example: String(standard),
    });

const durationPattern = /^(?=\d)(?:(?<minutes>\d{1,6})m)?(?:(?<seconds>\d{1,6})s?)?$/;

/** A time in milliseconds. */
const duration = () =>
  z
    .string()
    .transform((text) => {
      const { minutes = "0", seconds = "0" } = durationPattern.exec(text)?.groups ?? {};
      return (Number(minutes) * 60 + Number(seconds)) * 1000;
    })
    .pipe(z.number().min(1000).max(maxTimeout));

const durations = "a time from 1 second to 6 hours, such as 90s, 2m, 1m30s, or a number of seconds";

/** A time to wait, in milliseconds. */
export const timeout = duration().register(hints, {
  default: "2m",
  allowed: durations,
  example: "2m",
});

/** The same; undefined if it is empty. */
export const optionalDuration = (example: string) =>
  z
    .union([z.literal("").transform(() => undefined), duration()])
    .register(hints, { default: "", allowed: `${durations}, or empty`, example });

/** When the agents' logs and state are shown and saved. */
export const logsInput = z.enum(logsWhen).register(hints, {
  default: "failure",
  allowed: `one of ${logsWhen.join(", ")}`,
  example: "always",
});

/** The status of the job so far, which the runner fills in. */
export const jobStatusInput = z.string().register(hints, {
  default: "",
  allowed: "set by the runner",
  example: "success",
});

/** The inputs of one action: a schema for each, by the input's name. */
type InputSchema = z.ZodObject<Readonly<Record<string, z.ZodType>>>;

/** The hint that is registered for an input. */
export function hintOf(inputs: InputSchema, name: string): Hint {
  const input = inputs.shape[name];
  return (input && hints.get(input)) ?? { default: "", allowed: "", example: "" };
}

/** Every input's default, as the runner passes it. A check compares action.yml and README with it. */
export function defaultsOf(inputs: InputSchema): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.keys(inputs.shape).map((name) => [name, hintOf(inputs, name).default]),
  );
}

/**
 * Reads and checks each input of an action by itself.
 *
 * @param read - gives an input's text by its name, as `core.getInput` does
 * @returns the texts as read, the values if all are valid, and a problem for each that is not
 */
export function readInputs<S extends InputSchema>(
  inputs: S,
  read: (name: string) => string,
): {
  texts: ReadonlyMap<string, string>;
  values: z.output<S> | undefined;
  problems: Problem[];
} {
  const texts = new Map(Object.keys(inputs.shape).map((name) => [name, read(name)]));
  const { data, error } = inputs.safeParse(Object.fromEntries(texts));
  const refused = [...texts.keys()].filter((name) =>
    error?.issues.some(({ path }) => path[0] === name),
  );
  const detailsOf = (name: string) =>
    (error?.issues ?? []).flatMap(({ path, code, message }) =>
      path[0] === name && code === "custom" && message !== "Invalid input" ? message : [],
    );
  const problems = refused.map((name) =>
    refusal(name, texts.get(name), detailsOf(name), hintOf(inputs, name)),
  );
  return { texts, values: data, problems };
}

/**
 * The values of an action whose inputs are independent of anything else.
 *
 * @throws InputError with all problems
 */
export function readValidInputs<S extends InputSchema>(
  inputs: S,
  read: (name: string) => string,
): z.output<S> {
  const { values, problems } = readInputs(inputs, read);
  if (!values || problems.length > 0) throw new InputError(problems);
  return values;
}

function refusal(
  input: string,
  text: string | undefined,
  details: readonly string[],
  { allowed, example, isSecret }: Hint,
): Problem {
  const found = details.length > 0 ? ` (${details.slice(0, maxDetails).join(", ")})` : "";
  const seen = isSecret ? "not valid" : shown(text);
  const message = `Input \`${input}\` is ${seen}${found}: it must be ${allowed}. For example: \`${input}: ${example}\`.`;
  return { input, message };
}

/** Of the details in one message. */
const maxDetails = 5;

export const clusterInput = z
  .string()
  .regex(/^[a-z0-9-]{0,64}$/)
  .register(hints, {
    default: "",
    allowed: "the output `cluster-id` of the step that started the cluster, or empty",
    example: "$" + "{{ steps.consul.outputs.cluster-id }}",
  });

/** One of the datacenters of a cluster that runs; empty for none. */
export const datacenterInput = z
  .string()
  .refine((text) => text === "" || datacenterPattern.test(text))
  .register(hints, {
    default: "",
    allowed: "the name of one of the cluster's datacenters, or empty",
    example: "dc1",
  });
