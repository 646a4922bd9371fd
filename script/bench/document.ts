/** What the benchmark says of its samples: the verdicts, and docs/benchmark.md. Pure. */
import { coverage, type Summary, slope, summarize } from "./statistics.ts";
import type { Sample, Way } from "./ways.ts";

export interface Measured {
  readonly way: Way;
  readonly samples: readonly Sample[];
}

/** Where and with what was measured, a line each. */
export type Setting = Readonly<Record<string, string>>;

export interface Verdict {
  readonly work: string;
  readonly target: string;
  readonly measured: string;
  readonly isReached: boolean;
}

const names = {
  action: "action-3+3",
  bare: "bare-3+3",
  hand: "hand-3+3",
  compose: "compose-3+3",
  dev: "dev",
  single: "action-1+0",
} as const;

/** Milliseconds as seconds. */
export const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(2);

/**
 * The part of a start in which neither docker nor Consul is waited for: all of the step that no
 * phase of theirs covers. Milliseconds.
 */
export function ownShare({ up, phases = [] }: Sample): number {
  return up - coverage(phases.filter(({ name }) => name !== "process" && name !== "report"));
}

export function summaryOf(measured: readonly Measured[], name: string, part: "up" | "down") {
  const found = measured.find(({ way }) => way.name === name);
  return found && summarize(found.samples.map((sample) => sample[part]));
}

/** One verdict for each row of the targets whose ways were measured. */
export function verdictsOf(measured: readonly Measured[]): Verdict[] {
  const up = (name: string) => summaryOf(measured, name, "up")?.median;
  const down = (name: string) => summaryOf(measured, name, "down")?.median;
  const ratio = (
    work: string,
    mine: number | undefined,
    theirs: number | undefined,
    most: number,
  ) =>
    mine === undefined || theirs === undefined
      ? []
      : [
          verdict(
            work,
            `at most ${most} ×`,
            `${(mine / theirs).toFixed(2)} × (${seconds(mine)} s against ${seconds(theirs)} s)`,
            mine / theirs <= most,
          ),
        ];
  const [single, dev] = [up(names.single), up(names.dev)];
  return [
    ...ratio(
      "3 + 3 ready, against bare parallel `docker run`",
      up(names.action),
      up(names.bare),
      1.1,
    ),
    ...ratio("3 + 3 ready, against the hand recipe", up(names.action), up(names.hand), 0.1),
    ...ratio("3 + 3 ready, against docker compose", up(names.action), up(names.compose), 1),
    ...ratio(
      "3 + 3 removed, against `compose down`",
      down(names.action),
      down(names.compose),
      0.25,
    ),
    ...(single === undefined || dev === undefined
      ? []
      : [
          verdict(
            "1 server ready, above a bare `-dev` agent",
            "at most 0.35 s",
            `${seconds(single - dev)} s (${seconds(single)} s against ${seconds(dev)} s)`,
            single - dev <= 350,
          ),
        ]),
    ...ratio(
      "3 + 3 removed, against bare `docker rm -fv` and `docker network rm`",
      down(names.action),
      down(names.bare),
      1.5,
    ),
    ...growth(measured),
    ...own(measured),
  ];
}

const verdict = (work: string, target: string, seen: string, isReached: boolean): Verdict => ({
  work,
  target,
  measured: seen,
  isReached,
});

/** Samples of a way at every size: agents against milliseconds. */
function points(measured: readonly Measured[], kind: string) {
  return measured
    .filter(({ way }) => way.name.startsWith(`${kind}-3+`))
    .flatMap(({ way, samples }) => samples.map(({ up }) => [way.agents, up] as const));
}

function growth(measured: readonly Measured[]): Verdict[] {
  const [mine, theirs] = [points(measured, "action"), points(measured, "bare")];
  if (new Set(mine.map(([agents]) => agents)).size < 2) return [];
  const [a, b] = [slope(mine), slope(theirs)];
  const seen = `${(a / b).toFixed(2)} × (${seconds(a)} s against ${seconds(b)} s a client)`;
  // Two slopes that are the same differ by some percent from run to run.
  return [
    verdict("growth with every client, against bare", "no faster (1.05 ×)", seen, a / b <= 1.05),
  ];
}

function own(measured: readonly Measured[]): Verdict[] {
  const samples = measured.find(({ way }) => way.name === names.action)?.samples ?? [];
  if (samples.length === 0) return [];
  const share = summarize(samples.map(ownShare)).median;
  const memory = Math.max(...samples.map(({ megabytes = 0 }) => megabytes));
  return [
    verdict(
      "the action's own share of a start",
      "at most 0.25 s",
      `${seconds(share)} s`,
      share <= 250,
    ),
    verdict(
      "its memory at its highest",
      "at most 100 MB",
      `${Math.round(memory)} MB`,
      memory <= 100,
    ),
  ];
}

/** The table of all ways. Markdown. */
export function waysTable(measured: readonly Measured[]): string[] {
  const cells = ({ median, min, max }: Summary) =>
    `${seconds(median)} | ${seconds(min)} to ${seconds(max)}`;
  return [
    "| way | agents | runs | ready, median s | spread | removed, median s | spread |",
    "| --- | --: | --: | --: | --- | --: | --- |",
    ...measured.map(({ way, samples }) => {
      const up = summarize(samples.map((sample) => sample.up));
      const down = summarize(samples.map((sample) => sample.down));
      return `| ${way.title} | ${way.agents} | ${up.count} | ${cells(up)} | ${cells(down)} |`;
    }),
  ];
}

export function verdictTable(verdicts: readonly Verdict[]): string[] {
  return [
    "| work | to reach | measured | |",
    "| --- | --- | --- | --- |",
    ...verdicts.map(
      ({ work, target, measured, isReached }) =>
        `| ${work} | ${target} | ${measured} | ${isReached ? "reached" : "**not reached**"} |`,
    ),
  ];
}

/** docs/benchmark.md. */
export function documentOf(measured: readonly Measured[], setting: Setting): string {
  return [
    "# Benchmark",
    "",
    "Written by `npm run bench`, which runs all ways in turn, round by round, on one machine with one",
    "image. Times are seconds: medians, and the spread from the fastest run to the slowest. *Ready*",
    "means that all four gates hold (see README). For the action it is the whole step, from the start",
    "of its process to the end of it; for the others it starts with their first command. What was",
    "tried to get here, and what did not help, is in [speed.md](speed.md).",
    "",
    ...Object.entries(setting).map(([name, value]) => `- ${name}: ${value}`),
    "",
    "![Time until ready against the number of agents](benchmark.svg)",
    "",
    "## Targets",
    "",
    ...verdictTable(verdictsOf(measured)),
    "",
    "The action's own share is all of the step in which it waits neither for docker nor for Consul:",
    "the start of its process up to the first docker command, what lies between the phases, and its end.",
    "",
    "## Every way",
    "",
    ...waysTable(measured),
    "",
    "## One start, phase by phase",
    "",
    "![Phases of the start of 3 servers and 3 clients](timeline.svg)",
    "",
    "Gossip, election, voters and catalog end when their gate first held. A gate is asked once those",
    "before it hold, so the bar of the election shows what was waited for after gossip.",
    "",
  ].join("\n");
}
