import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { FaultTimeline } from "../../../src/fault/timeline.ts";
import { watching } from "../../../src/fault/watch.ts";
import { agent, consulThatAnswers } from "../find/fixtures.ts";

/** A cluster that has a new leader when it is told so; writes are accepted some time later. */
async function cluster() {
  const now = { leader: "10.0.0.1:8300", takesWrites: false, isGone: false };
  const written: string[] = [];
  const agents = await Promise.all(
    ["server-2", "server-3"].map(async (node, index) => {
      const consul = await consulThatAnswers(({ url = "", method }, answer) => {
        if (method === "DELETE") {
          written.push(url);
          answer.writeHead(now.takesWrites ? 200 : 500).end("no leader");
        } else answer.end(JSON.stringify(now.leader));
      });
      return { ...agent(node), ip: `10.0.0.${index + 2}`, consul };
    }),
  );
  const gate = {
    name: "gone",
    look: async () => ({ status: "", failing: now.isGone ? [] : ["server-2: still there"] }),
  };
  const signs = [{ event: "detection", datacenter: "dc1", gates: [gate] }] as const;
  const watched = { signs, led: [{ datacenter: "dc1", agents, leader: "server-1" }] };
  return { now, written, watched };
}

const endless = () => new AbortController().signal;
const said = (timeline: FaultTimeline) =>
  timeline.events().map(({ event, leader }) => [event, ...(leader ? [leader] : [])].join(" "));

test("what happens is recorded in its order, each once, also in the last moment", async () => {
  const { now, written, watched } = await cluster();
  const timeline = new FaultTimeline();
  await watching(watched, { timeline, end: "effect" }, endless(), async () => {
    await sleep(60);
    now.isGone = true;
    while (timeline.events().length < 1) await sleep(5);
    now.takesWrites = true;
    while (timeline.events().length < 2) await sleep(5);
    now.leader = "10.0.0.3:8300";
  });
  expect(said(timeline)).toEqual(["detection", "write", "election server-3", "effect"]);
  // Through each agent in turn, and never the same key.
  expect(written.length).toBeGreaterThan(1);
  expect(new Set(written).size).toBe(written.length);
});

test("the same leader as before is no election; a write may come after everything else", async () => {
  const { now, watched } = await cluster();
  const timeline = new FaultTimeline();
  const led = watched.led.map((each) => ({ ...each, leader: "server-2" }));
  now.leader = "10.0.0.2:8300";
  const watch = watching({ signs: [], led }, { timeline, end: "back" }, endless(), async () => {});
  while (timeline.events().length < 1) await sleep(5);
  now.takesWrites = true;
  await watch;
  expect(said(timeline)).toEqual(["back", "write"]);
});

test("if the wait fails, nothing is recorded as its end", async () => {
  const { watched } = await cluster();
  const timeline = new FaultTimeline();
  const failing = watching(watched, { timeline, end: "effect" }, endless(), async () => {
    throw new Error("not confirmed");
  });
  await expect(failing).rejects.toThrow("not confirmed");
  expect(said(timeline)).toEqual([]);
});

test("a cancellation ends it at once", async () => {
  const { watched } = await cluster();
  const canceled = new AbortController();
  const recording = { timeline: new FaultTimeline(), end: "effect" } as const;
  const waiting = watching(watched, recording, canceled.signal, () =>
    sleep(60_000, undefined, { signal: canceled.signal }),
  );
  setTimeout(() => canceled.abort(), 50);
  await expect(waiting).rejects.toThrow();
});
