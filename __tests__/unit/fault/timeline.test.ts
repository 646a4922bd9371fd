import { expect, test } from "vitest";
import { FaultTimeline, timelineSummary } from "../../../src/fault/timeline.ts";

function example() {
  let now = Date.UTC(2026, 0, 1);
  const timeline = new FaultTimeline(() => now);
  timeline.add("fault", { action: "kill", nodes: ["server-1"] });
  now += 300;
  timeline.add("applied", { action: "kill" });
  now += 1700;
  timeline.add("election", { datacenter: "dc1", leader: "server-2" });
  now += 12;
  timeline.add("write", { datacenter: "dc1" });
  now += 3988;
  timeline.add("detection", { datacenter: "dc1" });
  timeline.add("effect");
  return timeline.events();
}

test("events have their time, and the seconds since the first", () => {
  expect(example()).toEqual([
    ...[
      {
        event: "fault",
        at: "2026-01-01T00:00:00.000Z",
        seconds: 0,
        action: "kill",
        nodes: ["server-1"],
      },
    ],
    { event: "applied", at: "2026-01-01T00:00:00.300Z", seconds: 0.3, action: "kill" },
    ...[
      {
        event: "election",
        at: "2026-01-01T00:00:02.000Z",
        seconds: 2,
        datacenter: "dc1",
        leader: "server-2",
      },
    ],
    { event: "write", at: "2026-01-01T00:00:02.012Z", seconds: 2.012, datacenter: "dc1" },
    { event: "detection", at: "2026-01-01T00:00:06.000Z", seconds: 6, datacenter: "dc1" },
    { event: "effect", at: "2026-01-01T00:00:06.000Z", seconds: 6 },
  ]);
});

test("the summary is a table of them, with bars", () => {
  expect(timelineSummary("kill server-1", example())).toBe(`### Consul: kill server-1

| after | event | | |
| ---: | --- | --- | --- |
| 0.00 s | fault | \`kill\` on server-1 |  |
| 0.30 s | applied | \`kill\` is done | ██ |
| 2.00 s | election | all agents report server-2 as the new leader | █████████████ |
| 2.01 s | write | first write accepted | █████████████ |
| 6.00 s | detection | all agents see who is away | ████████████████████████████████████████ |
| 6.00 s | effect | the effect is complete | ████████████████████████████████████████ |
`);
});

test("with several datacenters, the summary says where something was seen", () => {
  const timeline = new FaultTimeline(() => 0);
  timeline.add("undo", { action: "start", nodes: ["east-server-1", "west-server-1"] });
  for (const datacenter of ["east", "west"]) timeline.add("write", { datacenter });
  expect(timelineSummary("start", timeline.events())).toContain("first write accepted (west)");
});
