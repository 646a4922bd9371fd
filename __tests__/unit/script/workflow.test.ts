/** CI's workflow: it runs recipes of the docs as they stand there, and its last job waits for all others. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { root } from "../../../script/runner.ts";

const read = (file: string) => readFileSync(join(root, file), "utf8");

const stepsSchema = z.array(z.object({ run: z.string().optional() }));
const workflowSchema = z.object({
  jobs: z.record(
    z.string(),
    z.object({ needs: z.unknown().optional(), steps: stepsSchema.default([]) }),
  ),
});
const { jobs } = workflowSchema.parse(parse(read(".github/workflows/ci.yml")));

/** The commands of the first recipe after this text in a page. */
function recipeAfter(text: string, page: string): string[] {
  const [, after = ""] = read(page).split(text);
  const [, recipe = ""] = /^```yaml\n(.*?)^```$/ms.exec(after) ?? [];
  return stepsSchema.parse(parse(recipe)).flatMap(({ run }) => run ?? []);
}

test("the job systemd-resolved runs the recipe of docs/clients.md", () => {
  const [recipe = ""] = recipeAfter("**Ubuntu's systemd-resolved**", "docs/clients.md");
  expect(recipe).toContain("systemctl restart systemd-resolved");
  expect(jobs["systemd-resolved"]?.steps.map(({ run }) => run)).toContain(recipe);
});

test("the last job waits for every other job, itself or through one that needs it", () => {
  const last = "all-tests-passed";
  const needs = (job: string): string[] => {
    const direct = z
      .union([z.string().transform((one) => [one]), z.array(z.string())])
      .default([])
      .parse(jobs[job]?.needs);
    return [...direct, ...direct.flatMap(needs)];
  };
  expect([...new Set(needs(last)), last].sort()).toEqual(Object.keys(jobs).sort());
});
