/** The results of the soak test as Markdown. Pure. */
import { counted } from "../../src/errors.ts";
import { summarize } from "../bench/statistics.ts";
import { limits, type RoundResult, type StepKind } from "./round.ts";
import type { Use } from "./use.ts";

const columns: readonly StepKind[] = ["start", "fault", "partition", "upgrade", "scale", "post"];

const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1);

/** Group and kind of a round: `["security", "open"]`. */
type Kind = readonly [group: string, kind: string];

/** The kinds that a round counts for: one of each group. */
export function kindsOf({ plan, steps }: RoundResult): Kind[] {
  const { shape, security, sequel, tampering, slowness } = plan;
  const mains = steps.filter(({ kind }) => kind !== "post");
  const interrupted = mains.find(({ interruptedBy }) => interruptedBy);
  const post = steps.find(({ kind, interruptedBy }) => kind === "post" && interruptedBy);
  return [
    ["all rounds", ""],
    ["cluster", shape.name],
    ["security", security],
    ["after the start", sequel],
    [
      "interrupted step",
      interrupted ? `${interrupted.kind}, by ${interrupted.interruptedBy}` : "none",
    ],
    ["before post", tampering ?? "nothing"],
    ["post", post ? `interrupted by ${post.interruptedBy}, then run again` : "not interrupted"],
    ["engine", slowness ? `slow: ${slowness.requests}` : "as it is"],
  ];
}

/** A row for each kind of round, in the order of the groups. */
export function roundsTable(results: readonly RoundResult[]): string[] {
  const all = results.map((result) => ({ result, kinds: kindsOf(result) }));
  const groups = [...new Set(all.flatMap(({ kinds }) => kinds.map(([group]) => group)))];
  const rows = groups.flatMap((group) => {
    const kindOf = (kinds: readonly Kind[]) => kinds.find(([name]) => name === group)?.[1] ?? "";
    const byKind = Map.groupBy(all, ({ kinds }) => kindOf(kinds));
    return [...byKind]
      .toSorted(([a], [b]) => a.localeCompare(b, "en"))
      .map(([kind, list]) => {
        const name = kind === "" ? `**${group}**` : `${group}: ${kind}`;
        return row(
          name,
          list.map(({ result }) => result),
        );
      });
  });
  return [
    "| rounds | number | failed | start | fault | partition | upgrade | scale | post |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rows,
  ];
}

function row(name: string, results: readonly RoundResult[]): string {
  const failed = results.filter(({ problems }) => problems.length > 0).length;
  const times = columns.map((kind) => timesOf(results, kind));
  return `| ${[name, results.length, failed, ...times].join(" | ")} |`;
}

/** Median and longest of the steps of a kind that were not interrupted. */
function timesOf(results: readonly RoundResult[], column: StepKind): string {
  const times = results
    .flatMap(({ steps }) => steps)
    .filter(({ kind, interruptedBy }) => kind === column && !interruptedBy)
    .map(({ result }) => result.milliseconds);
  if (times.length === 0) return "";
  const { median, max } = summarize(times);
  return `${seconds(median)} s, ${seconds(max)} s`;
}

export interface Totals {
  readonly date: string;
  readonly seed: number;
  /** Number of the first round. */
  readonly from: number;
  readonly minutes: number;
  /** What each process held before and after, by the process's name. */
  readonly use: Readonly<
    Record<string, readonly [before: Use | undefined, after: Use | undefined]>
  >;
}

/** Everything that the page shows of a run. */
export function reportOf(results: readonly RoundResult[], totals: Totals): string {
  const { date, seed, from, minutes, use } = totals;
  const failed = results.filter(({ problems }) => problems.length > 0).length;
  const left = results.flatMap(({ problems }) => problems).filter(isLeft).length;
  const slow = results.flatMap(({ problems }) => problems).filter(isOverLimit).length;
  const first = from === 1 ? "" : ` from round ${from}`;
  return [
    `${date}, seed ${seed}${first}: ${counted(results.length, "round")} in ${counted(minutes, "minute")}, ${failed} failed, ${counted(left, "object")} left behind, ${counted(slow, "step")} over the limits (${limitsText}).`,
    "",
    ...roundsTable(results),
    ...useTable(use),
  ].join("\n");
}

// Processes count as well.
const isLeft = (problem: string) => problem.startsWith("left behind");
const isOverLimit = (problem: string) => problem.includes(", over ");

const limitsText = Object.entries(limits)
  .map(([kind, limit]) => `${kind} ${limit / 1000} s`)
  .join(", ");

function useTable(use: Totals["use"]): string[] {
  const mebibytes = ({ memory }: Use) => `${Math.round(memory / 1024)} MiB`;
  const rows = Object.entries(use).flatMap(([name, [before, after]]) =>
    before && after
      ? [
          `| ${name} | ${before.files} | ${after.files} | ${mebibytes(before)} | ${mebibytes(after)} |`,
        ]
      : [],
  );
  if (rows.length === 0) return [];
  return [
    "",
    "| process | open files before | after | memory before | after |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
  ];
}
