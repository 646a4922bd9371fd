import { type ContainerFacts, containersAnswer, parseAnswer } from "./answers.ts";
import type { Cli } from "./cli.ts";
import { inspectQuestion } from "./questions.ts";

/** @returns what the engine knows of these containers; one that is gone is left out */
export async function inspectContainers(
  cli: Cli,
  names: readonly string[],
): Promise<ContainerFacts[]> {
  if (names.length === 0) return [];
  const inspect = (those: readonly string[]) => cli.unlessMissing(cli.run(inspectQuestion(those)));
  const together = await inspect(names);
  // One that is gone makes the whole command fail.
  const answers = together ? [together] : await Promise.all(names.map((name) => inspect([name])));
  return answers.flatMap((each) => (each ? parseAnswer(containersAnswer, "inspect", each) : []));
}
