import * as z from "zod";
import { InputError } from "../errors.ts";
import {
  clusterInput,
  defaultsOf,
  flag,
  hints,
  readValidInputs,
  timeout,
} from "../inputs/input-schema.ts";
import { datacenterPattern } from "../inputs/limits.ts";

const faultActions = [
  "kill",
  "stop",
  "pause",
  "resume",
  "start",
  "restart",
  "isolate",
  "heal",
  "remove-data",
] as const;
export type FaultAction = (typeof faultActions)[number];

/** Targets that are resolved when the step runs. */
const targetWords = [
  "leader",
  "follower",
  "server",
  "client",
  "all-clients",
  "minority",
  "majority",
] as const;
export type TargetWord = (typeof targetWords)[number];

/** What a fault acts on: nodes by name, a word, or every node that the action can act on. */
export type Target =
  | { readonly names: readonly string[] }
  | { readonly word: TargetWord }
  | { readonly all: true };

/** The inputs of one step. */
export interface FaultSpec {
  readonly action: FaultAction;
  readonly target: Target;
  /** ID of the cluster; empty for the job's only one. */
  readonly cluster: string;
  /** Name of the datacenter; empty if the target decides. */
  readonly datacenter: string;
  readonly wait: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Actions that bring nodes back. Without a target, they bring back all that can be. */
const restoring: readonly FaultAction[] = ["start", "resume", "heal"];

const nodeNames = z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/)).min(1);

// Several names are a list as people write it, or a JSON array like the output `node`.
const target = z.string().transform((text, context): Target => {
  const trimmed = text.trim();
  if (trimmed === "") return { all: true };
  const word = targetWords.find((each) => each === trimmed);
  if (word) return { word };
  const { data } = nodeNames.safeParse(namesIn(trimmed));
  if (data) return { names: [...new Set(data)] };
  context.addIssue("not a target");
  return z.NEVER;
});

function namesIn(text: string): unknown {
  if (!text.startsWith("[")) return text.split(/[\s,]+/).filter((name) => name !== "");
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const datacenterInput = z
  .string()
  .refine((text) => text === "" || datacenterPattern.test(text))
  .register(hints, {
    default: "",
    allowed: "the name of one of the cluster's datacenters, or empty",
    example: "dc1",
  });

/** Every input, in the order of fault/action.yml. */
const inputs = z.object({
  action: z.enum(faultActions).register(hints, {
    default: "",
    allowed: `one of ${faultActions.join(", ")}`,
    example: "kill",
  }),
  target: target.register(hints, {
    default: "",
    allowed: `a node name, several (separated by commas, or as a JSON array), or one of ${targetWords.join(", ")}`,
    example: "leader",
  }),
  cluster: clusterInput,
  datacenter: datacenterInput,
  wait: flag(true),
  timeout,
});

/** Every input's default, as the runner's string. */
export const faultInputDefaults = defaultsOf(inputs);

/**
 * @param read - returns an input's text by its name, as `core.getInput` does
 * @throws InputError with all problems
 */
export function parseFaultInputs(read: (name: string) => string): FaultSpec {
  const values = readValidInputs(inputs, read);
  const { action, target } = values;
  if ("all" in target && !restoring.includes(action)) {
    const message = `Input \`target\` is empty, but \`${action}\` needs one. For example: \`target: leader\`. (Only ${restoring.join(", ")} work without a target: they bring back every node that can be brought back.)`;
    throw new InputError([{ input: "target", message }]);
  }
  return values;
}
