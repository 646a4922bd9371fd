/** Inputs of the actions that make a node's network worse, without cutting it off. */
import * as z from "zod";
import type { Problem } from "../errors.ts";
import { hints } from "../inputs/input-schema.ts";

export const impairActions = ["delay", "loss", "bandwidth"] as const;
export type ImpairAction = (typeof impairActions)[number];

/** What happens to each packet that a node sends. */
export type Impairment = {
  /** Whether it is only what the node sends to other agents, or everything, answers to the job included. */
  readonly scope: "agents" | "all";
} & (
  | { readonly action: "delay"; readonly latency: number; readonly jitter: number }
  | { readonly action: "loss"; readonly percent: number }
  | { readonly action: "bandwidth"; readonly kilobits: number }
);

/** Milliseconds. Agents' requests to each other time out after a few seconds. */
const maxLatency = 1000;

const milliseconds = (min: number) =>
  z
    .string()
    .regex(/^(\d{1,4}ms|1s)$/)
    .transform((text) => (text === "1s" ? 1000 : Number.parseInt(text, 10)))
    .pipe(z.number().min(min).max(maxLatency));

const empty = z.literal("").transform(() => undefined);

const percent = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,2})?%?$/)
  .transform((text) => Number.parseFloat(text))
  .pipe(z.number().min(0.01).max(100));

const kilobits = z
  .string()
  .regex(/^\d{1,6}[km]bit$/)
  .transform((text) => Number.parseInt(text, 10) * (text.endsWith("mbit") ? 1000 : 1))
  .pipe(z.number().min(8).max(100_000_000));

/** Every input, in the order of fault/action.yml. */
export const impairmentInputs = {
  latency: z.union([empty, milliseconds(1)]).register(hints, {
    default: "",
    allowed: "a time from 1ms to 1s, or empty",
    example: "100ms",
  }),
  jitter: z.union([empty, milliseconds(0)]).register(hints, {
    default: "",
    allowed: "a time from 0ms to 1s, or empty",
    example: "20ms",
  }),
  percent: z.union([empty, percent]).register(hints, {
    default: "",
    allowed: "a number from 0.01 to 100, or empty",
    example: "10",
  }),
  rate: z.union([empty, kilobits]).register(hints, {
    default: "",
    allowed: "a rate from 8kbit to 100000mbit a second, or empty",
    example: "1mbit",
  }),
  scope: z.enum(["agents", "all"]).register(hints, {
    default: "agents",
    allowed: "agents or all",
    example: "agents",
  }),
} as const;

type Values = z.output<z.ZodObject<typeof impairmentInputs>>;
type ParameterName = "latency" | "jitter" | "percent" | "rate";

/** What each action needs, and what else it takes. */
const parameters: Readonly<
  Record<ImpairAction, { readonly needs: ParameterName; readonly takes: readonly ParameterName[] }>
> = {
  delay: { needs: "latency", takes: ["latency", "jitter"] },
  loss: { needs: "percent", takes: ["percent"] },
  bandwidth: { needs: "rate", takes: ["rate"] },
};

const isImpairAction = (action: string): action is ImpairAction =>
  impairActions.some((each) => each === action);

/**
 * The impairment that an action makes.
 *
 * @returns undefined for every other action, and if something is wrong with the inputs
 */
export function impairmentOf(action: string, values: Values): Impairment | undefined {
  const { scope, latency, jitter = 0, percent, rate } = values;
  if (action === "delay" && latency !== undefined) return { action, scope, latency, jitter };
  if (action === "loss" && percent !== undefined) return { action, scope, percent };
  if (action === "bandwidth" && rate !== undefined) return { action, scope, kilobits: rate };
  return undefined;
}

/** Inputs that the action needs and lacks, and those that belong to other actions. */
export function problemsWithImpairment(action: string, values: Values): Problem[] {
  const own = isImpairAction(action) ? parameters[action] : undefined;
  const names: readonly ParameterName[] = ["latency", "jitter", "percent", "rate"];
  const unfit = names.filter((name) => values[name] !== undefined && !own?.takes.includes(name));
  const ownerOf = (name: ParameterName) =>
    impairActions.find((each) => parameters[each].takes.includes(name));
  const problems: Problem[] = unfit.map((input) => ({
    input,
    message: `Input \`${input}\` is for \`action: ${ownerOf(input)}\`, but \`action\` is \`${action}\`: remove it.`,
  }));
  const needs = own?.needs;
  if (needs !== undefined && values[needs] === undefined) {
    const { example = "" } = hints.get(impairmentInputs[needs]) ?? {};
    const message = `Input \`${needs}\` is empty, but \`${action}\` needs it. For example: \`${needs}: ${example}\`.`;
    problems.push({ input: needs, message });
  }
  const { latency, jitter } = values;
  if (latency !== undefined && jitter !== undefined && jitter > latency) {
    const message = `Input \`jitter\` is ${jitter} ms, more than \`latency\`, which is ${latency} ms: a packet can't arrive before it is sent.`;
    problems.push({ input: "jitter", message });
  }
  if (values.scope !== "agents" && !isImpairAction(action)) {
    const message = `Input \`scope\` is for ${impairActions.join(", ")}, but \`action\` is \`${action}\`: remove it.`;
    problems.push({ input: "scope", message });
  }
  return problems;
}

/** For the log: `delay by 100 ms`. */
export function impairmentText(impairment: Impairment): string {
  const where = impairment.scope === "all" ? " of everything" : "";
  switch (impairment.action) {
    case "delay": {
      const { latency, jitter } = impairment;
      return `delay${where} by ${latency} ms${jitter > 0 ? ` ± ${jitter} ms` : ""}`;
    }
    case "loss":
      return `loss${where} of ${impairment.percent}%`;
    case "bandwidth":
      return `bandwidth${where} of ${impairment.kilobits} kbit/s`;
  }
}
