/**
 * npm run soak: starts clusters of random kinds again and again, breaks, upgrades, and interrupts
 * them at random, and checks after each that nothing is left. Prints a table, and writes it to
 * docs/reliability.md after a complete run.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { commandLine, wholeNumber } from "./command-line.ts";
import { consulImage } from "./consul-image.ts";
import { twoVersions } from "./engine/versions.ts";
import { prepareMachine } from "./machine.ts";
import { withPart } from "./page.ts";
import { root, runId } from "./runner.ts";
import { describePlan, drawRound, plainRound } from "./soak/draw.ts";
import { type Images, type RoundResult, runRound, type StepRun } from "./soak/round.ts";
import { reportOf } from "./soak/table.ts";
import { engineUse, ownUse } from "./soak/use.ts";

/** Fewer rounds say too little for the page. */
const enoughRounds = 100;

const given = commandLine({
  command: "npm run soak",
  about: `starts, breaks, upgrades, interrupts, and removes clusters at random; a complete run of ${enoughRounds} rounds or more writes docs/reliability.md`,
  values: z.object({
    rounds: wholeNumber(1).default(300).describe("number of rounds"),
    seed: wholeNumber(0)
      .optional()
      .describe(
        "seed of all random choices: the same seed makes the same choices (default: random)",
      ),
    from: wholeNumber(1)
      .default(1)
      .describe("number of the first round: to repeat one round of a seed without those before it"),
    write: z
      .enum(["true", "false"], "true or false")
      .default("false")
      .describe("true writes the page even after few rounds"),
  }),
});
const { rounds, from } = given;
const seed = given.seed ?? Math.floor(Math.random() * 1_000_000);

const page = join(root, "docs/reliability.md");
const markers = ["<!-- soak -->", "<!-- /soak -->"] as const;

const stop = new AbortController();
// The first signal ends the run after this round's post step; the next one ends it at once.
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    console.log(`${signal}: removing this round's cluster`);
    stop.abort();
  });

prepareMachine();
const [older, newer] = await twoVersions(consulImage());
const logs = mkdtempSync(join(tmpdir(), "soak-"));
console.log(`Seed ${seed}; logs of rounds with problems go to ${logs}`);
// In the first round the engine opens files that it keeps open.
await runRound(plainRound, { older, newer }, `${runId}-warm-up`);
const before = [engineUse(), ownUse()];
const started = performance.now();
const results = await runRounds({ older, newer });

const report = reportOf(results, {
  ...{ date: new Date().toISOString().slice(0, 10), seed, from },
  minutes: Math.round((performance.now() - started) / 60_000),
  use: { "Docker engine": [before[0], engineUse()], "soak test": [before[1], ownUse()] },
});
console.log(`\n${report}`);
if (stop.signal.aborted) console.log("\nNot written: the run was interrupted.");
else if (rounds < enoughRounds && given.write === "false")
  console.log(`\nNot written: fewer than ${enoughRounds} rounds (--write=true writes it).`);
else writePage(report);
const hasProblems = results.some(({ problems }) => problems.length > 0);
if (!hasProblems) rmSync(logs, { recursive: true });
process.exitCode = hasProblems ? 1 : stop.signal.aborted ? 130 : 0;

async function runRounds(images: Images): Promise<RoundResult[]> {
  const results: RoundResult[] = [];
  for (let number = from; number < from + rounds; number++) {
    const plan = drawRound(seed, number);
    console.log(`${number} ${describePlan(plan)}`);
    const result = await runRound(plan, images, `${runId}-${number}`);
    // A signal to this process may have ended the round's steps as well.
    if (stop.signal.aborted) break;
    results.push(result);
    console.log(`  ${result.steps.map(describeRun).join(", ")}`);
    for (const problem of result.problems) console.log(`  PROBLEM ${problem}`);
    if (result.problems.length > 0) console.log(`  Logs: ${saveLogs(number, result)}`);
  }
  return results;
}

function describeRun({ name, result: { milliseconds }, interruptedBy }: StepRun): string {
  const time = `${name} ${(milliseconds / 1000).toFixed(1)} s`;
  return interruptedBy ? `${time} (${interruptedBy})` : time;
}

/** @returns the round's folder, with the log of each of its steps */
function saveLogs(number: number, { plan, steps, problems, evidence }: RoundResult): string {
  const folder = join(logs, `round-${String(number).padStart(3, "0")}`);
  mkdirSync(folder);
  const again = `npm run soak -- --seed=${seed} --from=${number} --rounds=1`;
  const about = [describePlan(plan), `Again: ${again}`, ...problems].join("\n");
  writeFileSync(join(folder, "round.txt"), `${about}\n`);
  for (const [index, step] of steps.entries()) {
    const name = `${index + 1}-${step.name.replaceAll(/[^\w-]+/g, "-")}.log`;
    const { exitCode, signal, inputs, log } = step.result;
    const head = `${describeRun(step)}: ${signal ?? `exit code ${exitCode}`}, ${JSON.stringify(inputs)}`;
    writeFileSync(join(folder, name), `${head}\n${log}`);
  }
  for (const [name, text] of evidence) writeFileSync(join(folder, name), text);
  return folder;
}

function writePage(report: string): void {
  const text = readFileSync(page, "utf8");
  writeFileSync(page, withPart(text, markers, `\n${report}\n`));
  console.log(`\nWritten: ${page}`);
}
