/** The workflow of an example: what people copy is what `npm run examples` runs. */
import { parse } from "yaml";
import * as z from "zod";
import { evaluate } from "../runner.ts";

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const texts = z.record(z.string(), text).default({});

const stepSchema = z.strictObject({
  name: z.string().optional(),
  id: z.string().optional(),
  if: z.literal("always()").optional(),
  uses: z.string().optional(),
  with: texts,
  run: z.string().optional(),
  "working-directory": z.string().default("."),
  env: texts,
});
const jobSchema = z.strictObject({
  "runs-on": z.string().optional(),
  "timeout-minutes": z.number().optional(),
  steps: z.array(stepSchema),
});
const workflowSchema = z.object({ jobs: z.record(z.string(), jobSchema) });

type WrittenStep = z.infer<typeof stepSchema>;

interface Named {
  /** What the log calls it. */
  readonly name: string;
  /** What expressions call it. */
  readonly id: string | undefined;
  /** Whether it runs after a failure and a cancellation, too. */
  readonly isAlways?: true;
}

/** A step with one of this repository's actions. */
export interface ActionStep extends Named {
  readonly kind: "action";
  /** Folder of the action, relative to the root. */
  readonly folder: string;
  readonly inputs: Readonly<Record<string, string>>;
}

/** A step with commands for bash. */
export interface RunStep extends Named {
  readonly kind: "run";
  readonly script: string;
  /** Relative to the workspace. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

export type Step = ActionStep | RunStep;

/**
 * The steps of a workflow with one job, without that which checks out the repository.
 *
 * @throws if the job or a step has what this script does not run
 */
export function readWorkflow(content: string): Step[] {
  const { jobs } = workflowSchema.parse(parse(content));
  const [job, ...others] = Object.values(jobs);
  if (job === undefined || others.length > 0) throw new Error("an example has one job");
  return job.steps.filter(({ uses }) => !uses?.startsWith("actions/checkout@")).map(stepOf);
}

function stepOf(step: WrittenStep): Step {
  const { id, uses, run } = step;
  const always = step.if === undefined ? {} : { isAlways: true as const };
  const named = { name: step.name ?? uses ?? "run", id, ...always };
  if (run !== undefined)
    return {
      kind: "run",
      ...named,
      script: run,
      directory: step["working-directory"],
      env: step.env,
    };
  const [isOurs, folder] = /^[\w-]+\/consul-cluster-action\/?(\w*)@v1$/.exec(uses ?? "") ?? [];
  if (!isOurs) throw new Error(`this script can't run the step ${named.name}`);
  return { kind: "action", ...named, folder: folder || ".", inputs: step.with };
}

/** What a step has once its expressions are filled in. */
export function filledIn(
  values: Readonly<Record<string, string>>,
  contexts: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const filled = Object.entries(values).map(([name, value]) => [name, evaluate(value, contexts)]);
  return Object.fromEntries(filled);
}
