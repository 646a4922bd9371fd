import { describe, expect, test } from "vitest";
import type { StepResult } from "../../../script/runner.ts";
import { drawRound, type RoundPlan, type Signal, signals } from "../../../script/soak/draw.ts";
import {
  problemsOf,
  type RoundResult,
  type StepKind,
  type StepRun,
} from "../../../script/soak/round.ts";
import { faults, shapes, targetsFor } from "../../../script/soak/shapes.ts";
import { kindsOf, reportOf, roundsTable } from "../../../script/soak/table.ts";

const drawMany = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => drawRound(seed, index + 1));

describe("the draw", () => {
  const plans = drawMany(1, 600);

  test("is the same for the same seed and round, whatever came before", () => {
    expect(drawRound(1, 300)).toEqual(plans[299]);
    expect(drawMany(2, 20)).not.toEqual(plans.slice(0, 20));
  });

  const values = (of: (plan: RoundPlan) => unknown) => new Set(plans.map(of));

  test("takes every shape, security, sequel, signal, and engine", () => {
    expect(values(({ shape }) => shape.name)).toEqual(new Set(shapes.map(({ name }) => name)));
    expect(values(({ security }) => security)).toEqual(new Set(["open", "secured"]));
    const sequels = new Set(["nothing", "one fault", "two faults", "upgrade", "scale"]);
    expect(values(({ sequel }) => sequel)).toEqual(sequels);
    const any = new Set([undefined, ...signals]);
    expect(values(({ interruption }) => interruption?.signal)).toEqual(any);
    expect(values(({ postInterruption }) => postInterruption?.signal)).toEqual(
      new Set([undefined, "SIGINT", "SIGKILL"]),
    );
    expect(values(({ slowness }) => slowness?.requests).size).toBe(4);
    expect(values(({ tampering }) => tampering).size).toBe(3);
    const actions = plans.flatMap(({ later }) =>
      later.flatMap((step) => (step.kind === "fault" ? [step.action] : [])),
    );
    expect(new Set(actions)).toEqual(new Set(faults.flatMap((fault) => fault.actions)));
  });

  test("interrupts only steps that the round has, each of them at some time", () => {
    const interrupted = plans.filter(({ interruption }) => interruption);
    for (const { interruption, later } of interrupted)
      expect(interruption?.step).toBeLessThanOrEqual(later.length);
    const kinds = interrupted.map(({ interruption, later }) =>
      interruption?.step === 0 ? "start" : later[(interruption?.step ?? 0) - 1]?.kind,
    );
    expect(new Set(kinds)).toEqual(new Set(["start", "fault", "upgrade", "scale"]));
  });

  test("upgrades and scales nothing that is in memory", () => {
    const inMemory = plans.filter(({ shape }) => shape.storage === "memory");
    expect(inMemory.length).toBeGreaterThan(0);
    expect(inMemory.filter(({ sequel }) => ["upgrade", "scale"].includes(sequel))).toEqual([]);
  });

  test("restarts no secured server that would lose its tokens", () => {
    const actions = plans
      .filter(({ shape, security }) => shape.storage === "memory" && security === "secured")
      .flatMap(({ later }) => later.flatMap((step) => (step.kind === "fault" ? step.action : [])));
    expect(new Set(actions)).toEqual(new Set(["pause", "resume", "isolate", "heal"]));
  });

  test("removes no data that the other servers could not give back", () => {
    const [loss] = faults.filter(({ losesData }) => losesData);
    if (!loss) throw new Error("no fault loses data");
    expect(targetsFor(loss, { name: "dc1", servers: 1, clients: 0 })).toEqual([]);
    expect(targetsFor(loss, { name: "dc1", servers: 3, clients: 0 })).not.toContain("majority");
  });
});

const plan: RoundPlan = { ...drawRound(1, 1), sequel: "one fault", slowness: undefined };

function step(kind: StepKind, milliseconds: number, more: Partial<StepResult> = {}): StepRun {
  const result: StepResult = {
    ...{ action: "", inputs: {}, state: {}, outputs: {}, env: {}, path: [], summary: "" },
    ...{ exitCode: 0, signal: null, log: "", rawLog: "", milliseconds },
    ...more,
  };
  return { kind, name: kind, interruptedBy: undefined, isStuck: false, result };
}

const interrupted = (run: StepRun, signal: Signal): StepRun => ({ ...run, interruptedBy: signal });

describe("problems of a round", () => {
  test("are none if every step succeeds in time and nothing is left", () => {
    const steps = [step("start", 30_000), step("upgrade", 99_000), step("post", 15_000)];
    expect(problemsOf(steps, [])).toEqual([]);
  });

  test("are steps over their limits, failures, warnings of post, and what is left", () => {
    const steps = [
      step("start", 30_001),
      step("fault", 30_100, { exitCode: 1 }),
      step("post", 15_100, { log: "x\n::warning title=y::z\n" }),
    ];
    expect(problemsOf(steps, ["container c"])).toEqual([
      "start took 30.0 s, over 30 s",
      "fault failed: exit code 1",
      "fault took 30.1 s, over 30 s",
      "post took 15.1 s, over 15 s",
      "the post step warns",
      "left behind: container c",
    ]);
  });

  test("are not the failure of a step that was interrupted, unless it does not end", () => {
    const killed = interrupted(step("start", 100, { exitCode: null, signal: "SIGKILL" }), "SIGINT");
    const post = step("post", 100);
    expect(problemsOf([killed, post], [])).toEqual([]);
    expect(problemsOf([{ ...killed, isStuck: true }, post], [])).toEqual([
      "start did not end by itself after SIGINT",
    ]);
  });
});

describe("the table", () => {
  const round = (steps: StepRun[], problems: string[] = []): RoundResult => ({
    plan,
    steps,
    problems,
  });
  const results = [
    round([step("start", 1000), step("fault", 4000), step("fault", 6000), step("post", 500)]),
    round([step("start", 3000), interrupted(step("fault", 20), "SIGINT"), step("post", 700)]),
    round(
      [step("start", 2000), interrupted(step("post", 10), "SIGKILL"), step("post", 900)],
      ["left behind: volume v"],
    ),
  ];

  test("has each round once in each group", () => {
    const groups = results.map((result) => kindsOf(result).map(([group]) => group));
    expect(new Set(groups.map((names) => names.join())).size).toBe(1);
    expect(new Set(groups[0]).size).toBe(groups[0]?.length);
  });

  test("shows median and longest of the steps that were not interrupted", () => {
    const rows = roundsTable(results);
    expect(rows[2]).toBe(
      "| **all rounds** | 3 | 1 | 2.0 s, 3.0 s | 5.0 s, 6.0 s |  |  |  | 0.7 s, 0.9 s |",
    );
    expect(rows).toContain(
      "| interrupted step: fault, by SIGINT | 1 | 0 | 3.0 s, 3.0 s |  |  |  |  | 0.7 s, 0.7 s |",
    );
    expect(rows).toContain(
      "| post: interrupted by SIGKILL, then run again | 1 | 1 | 2.0 s, 2.0 s |  |  |  |  | 0.9 s, 0.9 s |",
    );
  });

  test("comes with the seed, what was left, and what each process held", () => {
    const use = {
      "soak test": [
        { files: 20, memory: 1024 },
        { files: 21, memory: 2048 },
      ],
    } as const;
    const report = reportOf(results, { date: "2027-01-02", seed: 5, from: 1, minutes: 1, use });
    expect(report).toContain(
      "2027-01-02, seed 5: 3 rounds in 1 minute, 1 failed, 1 object left behind, 0 steps over the limits (start 30 s, fault 30 s, partition 90 s, post 15 s).",
    );
    expect(report).toContain("| soak test | 20 | 21 | 1 MiB | 2 MiB |");
  });
});
