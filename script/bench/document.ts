/** The benchmark's results: verdicts on the targets, and docs/benchmark.md. Pure. */
import { type MachineSamples, severalEnginesTable } from "./several-engines.ts";
import { cells, coverage, type Summary, seconds, slope, summarize } from "./statistics.ts";
import type { Sample, Way } from "./ways.ts";

export interface Measured {
  readonly way: Way;
  readonly samples: readonly Sample[];
}

/** The machine and the versions used, one line each. */
export type Setting = Readonly<Record<string, string>>;

export interface Verdict {
  readonly metric: string;
  readonly target: string;
  readonly measured: string;
  readonly isMet: boolean;
}

const names = {
  action: "action-3+3",
  bare: "bare-3+3",
  hand: "hand-3+3",
  compose: "compose-3+3",
  dev: "dev",
  single: "action-1+0",
} as const;

/**
 * The part of a start in which the action waits for neither Docker nor Consul: the time that no
 * phase covers. Milliseconds.
 */
export function ownShare({ up, phases = [] }: Sample): number {
  return up - coverage(phases.filter(({ name }) => name !== "process" && name !== "report"));
}

export function summaryOf(measured: readonly Measured[], name: string, part: "up" | "down") {
  const found = measured.find(({ way }) => way.name === name);
  return found && summaryOfPart(found, part);
}

/** @returns undefined if the variant has no such part */
function summaryOfPart({ samples }: Measured, part: "up" | "down"): Summary | undefined {
  const times = samples.flatMap((sample) => sample[part] ?? []);
  return times.length > 0 ? summarize(times) : undefined;
}

/** What two variants are compared in. */
interface Comparison {
  readonly metric: string;
  readonly part: "up" | "down";
  readonly mine: string;
  readonly theirs: string;
  /** The target: at most that many times as long, or that many milliseconds longer. */
  readonly most: { readonly times: number } | { readonly more: number };
}

const openStart = { part: "up", theirs: names.action } as const;
const comparisons: readonly Comparison[] = [
  {
    metric: "3 + 3 ready, compared with bare parallel `docker run`",
    part: "up",
    mine: names.action,
    theirs: names.bare,
    most: { times: 1.1 },
  },
  {
    metric: "3 + 3 ready, compared with the hand-written script",
    part: "up",
    mine: names.action,
    theirs: names.hand,
    most: { times: 0.1 },
  },
  {
    metric: "3 + 3 ready, compared with Docker Compose",
    part: "up",
    mine: names.action,
    theirs: names.compose,
    most: { times: 1 },
  },
  {
    metric: "3 + 3 removed, compared with `compose down`",
    part: "down",
    mine: names.action,
    theirs: names.compose,
    most: { times: 0.25 },
  },
  {
    metric: "1 server ready, more than a bare `-dev` agent takes",
    part: "up",
    mine: names.single,
    theirs: names.dev,
    most: { more: 350 },
  },
  {
    metric: "3 + 3 removed, compared with bare `docker rm -fv` and `docker network rm`",
    part: "down",
    mine: names.action,
    theirs: names.bare,
    most: { times: 1.1 },
  },
  {
    metric: "3 + 3 with `acl` ready, more than without",
    mine: "acl-3+3",
    most: { more: 200 },
    ...openStart,
  },
  {
    metric: "3 + 3 with `tls` ready, more than without",
    mine: "tls-3+3",
    most: { more: 350 },
    ...openStart,
  },
  {
    metric: "3 + 3 with `acl`, `tls`, and `gossip-encryption` ready, more than without",
    mine: "acl-tls-gossip-3+3",
    most: { more: 400 },
    ...openStart,
  },
  {
    metric: "two datacenters of 3 + 1 ready, compared with one",
    part: "up",
    mine: "datacenters-6+2",
    theirs: "datacenter-3+1",
    most: { times: 1.15 },
  },
  {
    metric: "a `fault` step that waits for nothing, more than bare `docker kill` takes",
    part: "up",
    mine: "fault-3+3",
    theirs: "kill-3+3",
    most: { more: 200 },
  },
];

/** One verdict for each target whose variants were measured. */
export function verdictsOf(measured: readonly Measured[]): Verdict[] {
  return [
    ...comparisons.flatMap((comparison) => compared(comparison, measured)),
    ...growth(measured),
    ...own(measured),
    ...alone("a rolling upgrade of 3 + 2, for each node", "upgrade-3+2", 2000, measured),
  ];
}

function compared(
  { metric, part, mine, theirs, most }: Comparison,
  measured: readonly Measured[],
): Verdict[] {
  const a = summaryOf(measured, mine, part)?.median;
  const b = summaryOf(measured, theirs, part)?.median;
  if (a === undefined || b === undefined) return [];
  const both = `(${seconds(a)} s compared with ${seconds(b)} s)`;
  if ("times" in most)
    return [
      verdict(
        metric,
        `at most ${most.times} ×`,
        `${(a / b).toFixed(2)} × ${both}`,
        a / b <= most.times,
      ),
    ];
  const limit = `at most ${seconds(most.more)} s`;
  return [verdict(metric, limit, `${seconds(a - b)} s ${both}`, a - b <= most.more)];
}

/** @param most - milliseconds */
function alone(metric: string, name: string, most: number, measured: readonly Measured[]) {
  const took = summaryOf(measured, name, "up")?.median;
  if (took === undefined) return [];
  return [verdict(metric, `at most ${seconds(most)} s`, `${seconds(took)} s`, took <= most)];
}

const verdict = (metric: string, target: string, seen: string, isMet: boolean): Verdict => ({
  metric,
  target,
  measured: seen,
  isMet,
});

/** Samples of a variant at every size: number of agents, and milliseconds. */
function points(measured: readonly Measured[], kind: string) {
  return measured
    .filter(({ way }) => way.name.startsWith(`${kind}-3+`))
    .flatMap(({ way, samples }) => samples.map(({ up }) => [way.agents, up] as const));
}

function growth(measured: readonly Measured[]): Verdict[] {
  const [mine, theirs] = [points(measured, "action"), points(measured, "bare")];
  if (new Set(mine.map(([agents]) => agents)).size < 2) return [];
  const [a, b] = [slope(mine), slope(theirs)];
  const seen = `${(a / b).toFixed(2)} × (${seconds(a)} s compared with ${seconds(b)} s per client)`;
  // The same slope varies by a few percent from run to run.
  return [
    verdict("growth per client, compared with bare", "no faster (1.05 ×)", seen, a / b <= 1.05),
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
      "at most 0.12 s",
      `${seconds(share)} s`,
      share <= 120,
    ),
    verdict("peak memory", "at most 100 MB", `${Math.round(memory)} MB`, memory <= 100),
  ];
}

/** The table of all variants. Markdown. */
export function waysTable(measured: readonly Measured[]): string[] {
  return [
    "| variant | agents | runs | ready or done, median s | range | removed, median s | range |",
    "| --- | --: | --: | --: | --- | --: | --- |",
    ...measured.map(({ way, samples }) => {
      const [up, down] = (["up", "down"] as const).map((part) =>
        summaryOfPart({ way, samples }, part),
      );
      return `| ${way.title} | ${way.agents} | ${samples.length} | ${cells(up)} | ${cells(down)} |`;
    }),
  ];
}

export function verdictTable(verdicts: readonly Verdict[]): string[] {
  return [
    "| metric | target | measured | |",
    "| --- | --- | --- | --- |",
    ...verdicts.map(
      ({ metric, target, measured, isMet }) =>
        `| ${metric} | ${target} | ${measured} | ${isMet ? "met" : "**missed**"} |`,
    ),
  ];
}

/**
 * docs/benchmark.md.
 *
 * @param machines - undefined if this machine can't make several
 */
export function documentOf(
  measured: readonly Measured[],
  setting: Setting,
  machines?: MachineSamples,
): string {
  return [
    "# Benchmark",
    "",
    "Written by `npm run bench`, which runs every variant in turn, round by round, on one machine with one",
    "image. Times are in seconds: the median, and the range from the fastest to the slowest run. *Ready*",
    "means that all four conditions hold (see README). For the action, the time covers the whole step, from",
    "process start to exit; for the others, it starts with their first command. See [performance.md](performance.md) for",
    "what was tried and what did not help.",
    "",
    ...Object.entries(setting).map(([name, value]) => `- ${name}: ${value}`),
    "",
    "![Time until ready by number of agents](benchmark.svg)",
    "",
    "## Targets",
    "",
    ...verdictTable(verdictsOf(measured)),
    "",
    "The action's own share is the part of the step in which it waits for neither Docker nor Consul: process",
    "start until its code is loaded, the gaps between phases, and the end.",
    "",
    "The targets of removal, of secured starts, of two datacenters, of a fault, of an upgrade, and of the own share are",
    "goals. [performance.md](performance.md) says what was tried for those that are missed.",
    "",
    "## All variants",
    "",
    ...waysTable(measured),
    "",
    ...(machines
      ? [
          "## Several engines",
          "",
          "On three machines in network namespaces of this one (script/machines), which share its processors. See",
          "[machines.md](machines.md).",
          "",
          ...severalEnginesTable(machines),
          "",
        ]
      : []),
    "## Phases of one start",
    "",
    "![Phases of the start of 3 servers and 3 clients](timeline.svg)",
    "",
    "The bars for gossip, election, voters, and catalog end when their condition first held. Each condition is",
    "checked only once the ones before it hold, so the election bar shows the time spent waiting after gossip.",
    "",
  ].join("\n");
}
