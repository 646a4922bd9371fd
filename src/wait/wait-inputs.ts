import * as z from "zod";
import { InputError, type Problem } from "../errors.ts";
import { wholeNumber } from "../inputs/input-definitions.ts";
import {
  clusterInput,
  datacenterInput,
  defaultsOf,
  hints,
  readInputs,
  timeout,
} from "../inputs/input-schema.ts";
import { keyProblem } from "../inputs/kv-key.ts";
import { shown } from "../inputs/wording.ts";

/** A key to wait for. */
export interface WantedKey {
  readonly key: string;
  /** Undefined if any value will do. */
  readonly value: string | undefined;
}

/** A configuration entry to wait for. */
export interface WantedEntry {
  readonly kind: string;
  readonly name: string;
}

/** What a step waits for. All of it must hold at once. */
export interface WaitSpec {
  readonly services: readonly string[];
  /** How many instances of each service must pass. */
  readonly passing: number;
  readonly keys: readonly WantedKey[];
  /** IDs or names of checks. */
  readonly checks: readonly string[];
  readonly nodes: readonly string[];
  readonly configEntries: readonly WantedEntry[];
  /** Name of the datacenter whose agents are asked; empty for the first. */
  readonly datacenter: string;
  readonly cluster: string;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Instances of one service at most; far more than a cluster of this action can be asked to have. */
const maxInstances = 10_000;
/** Characters of a name. A key may be longer. */
const maxName = 512;

/** Names, one a line, each once. @param problem - why a name can't be one; undefined if it can */
const names = (problem: (name: string) => string | undefined) =>
  z.string().transform((text, context): string[] => {
    const lines = text.split(/\r?\n/).map((line) => line.trim());
    const found = [...new Set(lines.filter((line) => line !== ""))];
    for (const name of found) {
      const wrong = problem(name);
      if (wrong !== undefined) context.addIssue(`${shown(name)}: ${wrong}`);
    }
    return found;
  });

const tooLong = (name: string) =>
  name.length > maxName ? `it must not be longer than ${maxName} characters` : undefined;

const entryPattern = /^(?<kind>[a-z][a-z-]*)\/(?<name>.+)$/;

/** Every input, in the order of wait/action.yml. */
const inputs = z.object({
  service: names(tooLong).register(hints, {
    default: "",
    allowed: "names of services, one per line",
    example: "web",
  }),
  passing: wholeNumber(1, maxInstances).register(hints, {
    default: "1",
    allowed: `a whole number from 1 to ${maxInstances}`,
    example: "2",
  }),
  key: names(keyProblem).register(hints, {
    default: "",
    allowed: "keys of the KV store, one per line",
    example: "app/ready",
  }),
  value: z.string().register(hints, {
    default: "",
    allowed: "the value that the key must have, or empty for any",
    example: "yes",
  }),
  check: names(tooLong).register(hints, {
    default: "",
    allowed: "IDs or names of checks, one per line",
    example: "service:web",
  }),
  node: names(tooLong).register(hints, {
    default: "",
    allowed: "names of nodes, one per line",
    example: "client-1",
  }),
  "config-entry": names((text) =>
    entryPattern.test(text) ? tooLong(text) : "not kind/name",
  ).register(hints, {
    default: "",
    allowed: "configuration entries in the form kind/name, one per line",
    example: "service-defaults/web",
  }),
  datacenter: datacenterInput,
  cluster: clusterInput,
  timeout,
});

type Values = z.output<typeof inputs>;

/** Every input's default, as the runner's string. */
export const waitInputDefaults = defaultsOf(inputs);

/**
 * @param read - returns an input's text by its name, as `core.getInput` does
 * @throws InputError with all problems
 */
export function parseWaitInputs(read: (name: string) => string): WaitSpec {
  const { texts, values, problems } = readInputs(inputs, read);
  const isSet = (name: keyof Values) => (texts.get(name) ?? "").trim() !== "";
  const all = [...problems, ...mismatches(isSet, values)];
  if (!values || all.length > 0) throw new InputError(all);
  const { service, key, check, node, datacenter, cluster, passing } = values;
  const value = isSet("value") ? values.value : undefined;
  return {
    ...{ services: service, passing, checks: check, nodes: node },
    keys: key.map((each) => ({ key: each, value })),
    configEntries: values["config-entry"].map((text) => {
      const { kind = "", name = "" } = entryPattern.exec(text)?.groups ?? {};
      return { kind, name };
    }),
    ...{ datacenter, cluster, timeout: values.timeout },
  };
}

/** The inputs that say what to wait for. */
const subjects = ["service", "key", "check", "node", "config-entry"] as const;

/** What does not fit together. */
function mismatches(isSet: (name: keyof Values) => boolean, values: Values | undefined): Problem[] {
  const problem = (input: keyof Values, message: string) => ({ input, message });
  const several = values !== undefined && values.key.length > 1;
  return [
    ...(subjects.some(isSet)
      ? []
      : [
          problem(
            "service",
            `There is nothing to wait for: set at least one of ${subjects.map((name) => `\`${name}\``).join(", ")}. For example: \`service: web\`.`,
          ),
        ]),
    ...(values !== undefined && values.passing !== 1 && !isSet("service")
      ? [
          problem(
            "passing",
            `Input \`passing\` is ${values.passing}, but \`service\` is empty: it counts the passing instances of a service.`,
          ),
        ]
      : []),
    ...(isSet("value") && (!isSet("key") || several)
      ? [
          problem(
            "value",
            `Input \`value\` needs exactly one \`key\`, and there ${several ? `are ${values.key.length}` : "is none"}: a step waits for the value of one key.`,
          ),
        ]
      : []),
  ];
}
