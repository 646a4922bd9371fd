import * as z from "zod";
import { parseImage } from "../docker/image-reference.ts";
import { InputError, type Problem } from "../errors.ts";
import {
  clusterInput,
  datacenterInput,
  defaultsOf,
  flag,
  hints,
  optionalDuration,
  readValidInputs,
  timeout,
} from "../inputs/input-schema.ts";
import { type Group, groupsInput } from "./groups.ts";
import {
  type ImpairAction,
  type Impairment,
  impairActions,
  impairmentInputs,
  impairmentOf,
  problemsWithImpairment,
} from "./impairment.ts";
import { type TargetWord, targetWords } from "./target-words.ts";

const faultActions = [
  "kill",
  "stop",
  "pause",
  "resume",
  "start",
  "restart",
  "isolate",
  "partition",
  ...impairActions,
  "heal",
  "remove-data",
] as const;
export type FaultAction = (typeof faultActions)[number];

/** An action on some nodes, all in the same way. A partition is one between groups of them. */
export type NodeAction = Exclude<FaultAction, "partition" | ImpairAction>;

/** What a fault acts on: nodes by name, a word, or every node that the action can act on. */
export type Target =
  | { readonly names: readonly string[] }
  | { readonly word: TargetWord }
  /** All nodes of an engine: its docker context. */
  | { readonly engine: string }
  | { readonly all: true };

/** What a step does, and to what. */
type Fault =
  | { readonly action: NodeAction; readonly target: Target }
  | { readonly action: "partition"; readonly groups: readonly Group[] }
  | { readonly action: ImpairAction; readonly target: Target; readonly impairment: Impairment };

/** A fault that the step undoes itself. */
export interface Hold {
  /** From when the fault's effect is confirmed. */
  readonly milliseconds: number;
  /** What undoes it. */
  readonly undo: NodeAction;
}

/** What undoes each action that can be undone. */
const undoneBy: Partial<Readonly<Record<FaultAction, NodeAction>>> = {
  kill: "start",
  stop: "start",
  pause: "resume",
  isolate: "heal",
  partition: "heal",
  delay: "heal",
  loss: "heal",
  bandwidth: "heal",
};

/** The inputs of one step. */
export interface FaultSpec {
  readonly fault: Fault;
  /** How long the fault lasts before the step undoes it; undefined if the step leaves it. */
  readonly hold: Hold | undefined;
  /** ID of the cluster; empty for the job's only one. */
  readonly cluster: string;
  /** Name of the datacenter; empty if the target decides. */
  readonly datacenter: string;
  /** An image with the programs that change networks; empty for none. */
  readonly toolsImage: string;
  readonly wait: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Actions that bring nodes back. Without a target, they bring back all that can be. */
export const restoring: readonly FaultAction[] = ["start", "resume", "heal"];

/** Actions after which nodes run, but give no answer: who asked one just before waits. */
export const silencing: readonly FaultAction[] = ["pause", "isolate", "partition"];

const nodeNames = z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/)).min(1);

// Several names are a list as people write it, or a JSON array like the output `node`.
const target = z.string().transform((text, context): Target => {
  const trimmed = text.trim();
  if (trimmed === "") return { all: true };
  const word = targetWords.find((each) => each === trimmed);
  if (word) return { word };
  const engine = /^engine:([A-Za-z0-9][A-Za-z0-9_.+-]*)$/.exec(trimmed)?.[1];
  if (engine !== undefined) return { engine };
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

/** Every input, in the order of fault/action.yml. */
const inputs = z.object({
  action: z.enum(faultActions).register(hints, {
    default: "",
    allowed: `one of ${faultActions.join(", ")}`,
    example: "kill",
  }),
  target: target.register(hints, {
    default: "",
    allowed: `a node name, several (separated by commas, or as a JSON array), one of ${targetWords.join(", ")}, or engine:<docker context>`,
    example: "leader",
  }),
  groups: groupsInput,
  ...impairmentInputs,
  for: optionalDuration("10s"),
  "tools-image": z
    .string()
    .refine((text) => text === "" || parseImage(text) !== undefined)
    .register(hints, {
      default: "",
      allowed: "an image with `tc` and `ip` (iproute2), or empty",
      example: "nicolaka/netshoot",
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
  const { action, target, groups, for: time, cluster, datacenter, wait, timeout } = values;
  const undo = undoneBy[action];
  const problems = [
    ...problemsWithGroups(action, groups),
    ...problemsWithTarget(action, target),
    ...problemsWithImpairment(action, values),
    ...(time === undefined ? [] : problemsWithFor(action, wait)),
  ];
  const fault = faultOf(values);
  if (problems.length > 0 || !fault) throw new InputError(problems);
  const hold = time !== undefined && undo ? { milliseconds: time, undo } : undefined;
  const toolsImage = values["tools-image"];
  return { fault, hold, cluster, datacenter, toolsImage, wait, timeout };
}

/** @returns undefined if an input is missing */
function faultOf(values: z.output<typeof inputs>): Fault | undefined {
  const { action, target, groups } = values;
  switch (action) {
    case "partition":
      return { action, groups };
    case "delay":
    case "loss":
    case "bandwidth": {
      const impairment = impairmentOf(action, values);
      return impairment && { action, target, impairment };
    }
    default:
      return { action, target };
  }
}

function problemsWithFor(action: FaultAction, wait: boolean): Problem[] {
  const problem = (message: string) => ({ input: "for", message });
  const undoable = Object.keys(undoneBy).join(", ");
  const noUndo = `Input \`for\` undoes a fault after a time, and \`${action}\` can't be undone: remove \`for\`, or use one of ${undoable}.`;
  const noWait =
    "Inputs `for` and `wait: false` exclude each other: with `for`, the step waits for the fault's effect, and until the cluster is whole again. Remove one of them.";
  return [...(undoneBy[action] ? [] : [problem(noUndo)]), ...(wait ? [] : [problem(noWait)])];
}

function problemsWithGroups(action: FaultAction, groups: readonly Group[]): Problem[] {
  if ((action === "partition") === groups.length > 0) return [];
  const message =
    action === "partition"
      ? "Input `groups` is empty, but `partition` needs it. For example: `groups: leader | others`."
      : `Input \`groups\` is for \`action: partition\`, but \`action\` is \`${action}\`, which needs none: remove it.`;
  return [{ input: "groups", message }];
}

function problemsWithTarget(action: FaultAction, target: Target): Problem[] {
  const isSet = !("all" in target);
  const isMissing = !isSet && action !== "partition" && !restoring.includes(action);
  const isTooMuch = isSet && action === "partition";
  if (!isMissing && !isTooMuch) return [];
  const message = isMissing
    ? `Input \`target\` is empty, but \`${action}\` needs one. For example: \`target: leader\`. (Only ${restoring.join(", ")} work without a target: they bring back every node that can be brought back.)`
    : "Input `target` is set, but `partition` acts on the nodes in `groups`: remove `target`.";
  return [{ input: "target", message }];
}
