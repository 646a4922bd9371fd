/** The benchmark's results: verdicts on the targets, and docs/benchmark.md. Pure. */
import { type MachineSamples, severalEnginesTable } from "./several-engines.ts";
import { coverage, type Summary, slope, summarize } from "./statistics.ts";
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

/** Milliseconds as seconds. */
const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(2);

/**
 * The part of a start in which the action waits for neither Docker nor Consul: the time that no
 * phase covers. Milliseconds.
 */
export function ownShare({ up, phases = [] }: Sample): number {
  return up - coverage(phases.filter(({ name }) => name !== "process" && name !== "report"));
}

export function summaryOf(measured: readonly Measured[], name: string, part: "up" | "down") {
  const found = measured.find(({ way }) => way.name === name);
  return found && summarize(found.samples.map((sample) => sample[part]));
}

/** One verdict for each target whose variants were measured. */
export function verdictsOf(measured: readonly Measured[]): Verdict[] {
  const up = (name: string) => summaryOf(measured, name, "up")?.median;
  const down = (name: string) => summaryOf(measured, name, "down")?.median;
  const ratio = (
    metric: string,
    mine: number | undefined,
    theirs: number | undefined,
    most: number,
  ) =>
    mine === undefined || theirs === undefined
      ? []
      : [
          verdict(
            metric,
            `at most ${most} ×`,
            `${(mine / theirs).toFixed(2)} × (${seconds(mine)} s compared with ${seconds(theirs)} s)`,
            mine / theirs <= most,
          ),
        ];
  const [single, dev] = [up(names.single), up(names.dev)];
  return [
    ...ratio(
      "3 + 3 ready, compared with bare parallel `docker run`",
      up(names.action),
      up(names.bare),
      1.1,
    ),
    ...ratio(
      "3 + 3 ready, compared with the hand-written script",
      up(names.action),
      up(names.hand),
      0.1,
    ),
    ...ratio("3 + 3 ready, compared with Docker Compose", up(names.action), up(names.compose), 1),
    ...ratio(
      "3 + 3 removed, compared with `compose down`",
      down(names.action),
      down(names.compose),
      0.25,
    ),
    ...(single === undefined || dev === undefined
      ? []
      : [
          verdict(
            "1 server ready, more than a bare `-dev` agent takes",
            "at most 0.35 s",
            `${seconds(single - dev)} s (${seconds(single)} s compared with ${seconds(dev)} s)`,
            single - dev <= 350,
          ),
        ]),
    ...ratio(
      "3 + 3 removed, compared with bare `docker rm -fv` and `docker network rm`",
      down(names.action),
      down(names.bare),
      1.5,
    ),
    ...growth(measured),
    ...own(measured),
  ];
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
      "at most 0.25 s",
      `${seconds(share)} s`,
      share <= 250,
    ),
    verdict("peak memory", "at most 100 MB", `${Math.round(memory)} MB`, memory <= 100),
  ];
}

/** The table of all variants. Markdown. */
export function waysTable(measured: readonly Measured[]): string[] {
  const cells = ({ median, min, max }: Summary) =>
    `${seconds(median)} | ${seconds(min)} to ${seconds(max)}`;
  return [
    "| variant | agents | runs | ready, median s | range | removed, median s | range |",
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
    "start until the first docker command, the gaps between phases, and the end.",
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
