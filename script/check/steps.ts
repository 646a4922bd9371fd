/** Steps of workflows, whole or as snippets, against the actions that they use. */
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import * as z from "zod";
import { actionFolders, readAction } from "../action.ts";
import { root } from "../runner.ts";

const stepSchema = z.looseObject({
  id: z.string().optional(),
  uses: z.string().optional(),
  with: z.record(z.string(), z.unknown()).default({}),
});
type Step = z.infer<typeof stepSchema>;

/** The folder of the action that a step uses, if it is one of this repository's. */
function folderOf({ uses = "" }: Step): string | undefined {
  const [isOurs, folder = ""] = /^[\w-]+\/consul-cluster-action\/?(\w*)@v1$/.exec(uses) ?? [];
  return isOurs === undefined ? undefined : folder || ".";
}

/**
 * Inputs and outputs that the actions of this repository do not have.
 *
 * @param text - YAML: steps, a job, or a workflow
 * @returns one line each
 */
export function stepProblems(text: string): string[] {
  const documents = parseAllDocuments(text);
  const flaws = documents.flatMap((document) => document.errors.map(({ message }) => message));
  const steps = documents.flatMap((document) => stepsIn(document.toJS()));
  return [...flaws, ...steps.flatMap(inputProblems), ...outputProblems(text, steps)];
}

/** Every object of a list that looks like steps, however deep. */
function stepsIn(value: unknown): Step[] {
  if (typeof value !== "object" || value === null) return [];
  const own = Array.isArray(value) ? value.map((each) => stepSchema.safeParse(each).data) : [];
  const steps = own.flatMap((step) => (step?.uses === undefined ? [] : [step]));
  return [...steps, ...Object.values(value).flatMap(stepsIn)];
}

function inputProblems(step: Step): string[] {
  const folder = folderOf(step);
  if (folder === undefined) return [];
  if (!actionFolders().includes(folder)) return [`there is no action ${step.uses}`];
  const { inputs } = readAction(join(root, folder));
  return Object.keys(step.with)
    .filter((name) => !(name in inputs))
    .map((name) => `${step.uses} has no input ${name}`);
}

/** Outputs of a step that the text has not may be those of any action. */
function outputProblems(text: string, steps: readonly Step[]): string[] {
  return [...text.matchAll(/steps\.([\w-]+)\.outputs\.([\w-]+)/g)].flatMap(([, id, name = ""]) => {
    const step = steps.find((each) => each.id === id);
    if (step !== undefined && folderOf(step) === undefined) return [];
    const folders = step === undefined ? actionFolders() : [folderOf(step) ?? "."];
    const isThere = folders.some((folder) => name in readAction(join(root, folder)).outputs);
    return isThere ? [] : [`the step ${id} has no output ${name}`];
  });
}
