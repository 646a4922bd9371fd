import { describe, expect, test } from "vitest";
import { phasesIn } from "../../../script/bench/phases.ts";
import { barsOf, Timeline } from "../../../src/runner/timeline.ts";

/** A timeline with a clock that the test sets. */
function clocked() {
  const clock = { now: 0 };
  return { clock, timeline: new Timeline(() => clock.now) };
}

describe("a timeline", () => {
  test("starts the process at 0 and lists phases in their order", async () => {
    const { clock, timeline } = clocked();
    clock.now = 100;
    timeline.end("process");
    await timeline.during("network", async () => {
      clock.now = 180;
    });
    await timeline.during("image", async () => {
      clock.now = 200;
    });
    expect(timeline.phases()).toEqual([
      { name: "process", from: 0, to: 100 },
      { name: "image", from: 180, to: 200 },
      { name: "network", from: 100, to: 180 },
    ]);
  });

  test("records when a gate first held, not when it held again", () => {
    const { clock, timeline } = clocked();
    for (const now of [10, 20, 30]) {
      clock.now = now;
      timeline.begin("gossip");
      timeline.end("gossip");
    }
    expect(timeline.phases()).toEqual([{ name: "gossip", from: 10, to: 10 }]);
  });

  test("leaves out a phase that failed", async () => {
    const { timeline } = clocked();
    const failing = timeline.during("image", () => Promise.reject(new Error("no such image")));
    await expect(failing).rejects.toThrow("no such image");
    expect(timeline.phases()).toEqual([]);
  });
});

test("bars share one scale, and the shortest phase is still visible", () => {
  const bars = barsOf([
    { name: "process", from: 0, to: 1000 },
    { name: "election", from: 1000, to: 2000 },
    { name: "voters", from: 2000, to: 2000 },
  ]);
  expect(bars).toEqual([
    `process   from   0.00 s  took   1.00 s  ${"█".repeat(25)}`,
    `election  from   1.00 s  took   1.00 s  ${" ".repeat(25)}${"█".repeat(25)}`,
    `voters    from   2.00 s  took   0.00 s  ${" ".repeat(49)}█`,
  ]);
});

test("the benchmark parses the timeline in a log", () => {
  const phases = [
    { name: "image" as const, from: 80, to: 120 },
    { name: "gossip" as const, from: 210, to: 1710 },
  ];
  const log = ["::group::Where the time went", ...barsOf(phases), "::endgroup::"].join("\n");
  expect(phasesIn(log)).toEqual(phases);
});
