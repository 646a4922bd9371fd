import { expect, test } from "vitest";
import { ActionError } from "../../../src/errors.ts";
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

test("the summary is a drawing of them, and a table", () => {
  expect(timelineSummary("kill server-1", example())).toBe(`### Consul: kill server-1

\`\`\`mermaid
%%{init: {"gantt":{"leftPadding":75}}}%%
gantt
dateFormat x
axisFormat %-S.%L s
todayMarker off
section kill
kill is done, 0.30 s :0, 300
new leader server-2, 2.00 s :0, 2000
first write, 2.01 s :0, 2012
all agents know, 6.00 s :0, 6000
effect complete, 6.00 s :0, 6000
\`\`\`

| after | event |  |
| ---: | --- | --- |
| 0.00 s | fault | \`kill\` on server-1 |
| 0.30 s | applied | \`kill\` is done |
| 2.00 s | election | all agents report server-2 as the new leader |
| 2.01 s | write | first write accepted |
| 6.00 s | detection | all agents see who is away |
| 6.00 s | effect | the effect is complete |
`);
});

test("in the drawing, what undoes a fault has its own section, and no leader stands out", () => {
  let now = 0;
  const timeline = new FaultTimeline(() => now);
  timeline.add("fault", { action: "kill", nodes: ["server-1", "server-2"] });
  now += 500;
  timeline.add("no-leader", { datacenter: "dc1" });
  now += 70_000;
  timeline.add("undo", { action: "start", nodes: ["server-1", "server-2"] });
  now += 1200;
  timeline.add("back");
  const lines = timelineSummary("kill majority for 70 s", timeline.events()).split("\n");
  expect(lines.slice(lines.indexOf("gantt"), lines.lastIndexOf("```"))).toEqual([
    ...["gantt", "dateFormat x", "axisFormat %-M:%S min", "todayMarker off"],
    ...["section kill", "no leader is reported, 0.50 s :crit, 0, 500"],
    ...["section start", "cluster whole, 1.20 s :70500, 71700"],
  ]);
});

test("the summary of a step that failed says why", () => {
  const error = new ActionError("`kill` was not confirmed", "server-2 still sees server-1");
  expect(
    timelineSummary("kill server-1", example(), { error }),
  ).toContain(`### Consul: kill server-1

**The step failed: \`kill\` was not confirmed**

\`\`\`text
server-2 still sees server-1
\`\`\`

\`\`\`mermaid
`);
});

test("with several datacenters, the summary says where something was seen", () => {
  const timeline = new FaultTimeline(() => 0);
  timeline.add("undo", { action: "start", nodes: ["east-server-1", "west-server-1"] });
  for (const datacenter of ["east", "west"]) timeline.add("write", { datacenter });
  expect(timelineSummary("start", timeline.events())).toContain("first write accepted (west)");
});
