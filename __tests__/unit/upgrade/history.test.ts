import { expect, test } from "vitest";
import { ActionError } from "../../../src/errors.ts";
import { nothingSeen } from "../../../src/report/evidence.ts";
import { UpgradeHistory, upgradeSummary } from "../../../src/upgrade/history.ts";

/** An upgrade of nodes with this name, the last of which fails if it is to. */
async function history(fails: boolean, prefix = "") {
  let now = 5000;
  const recorded = new UpgradeHistory(() => now);
  const taking = (milliseconds: number) => async () => {
    now += milliseconds;
  };
  const node = (label: string, version = "1.21.0") => ({
    ...{ section: `to ${version}`, label: `${prefix}${label}`, version },
  });
  await recorded.during({ section: "before", label: "snapshot", version: "" }, taking(90));
  await recorded.during(node("server-2"), taking(4200));
  const last = recorded.during(node("server-1 (leader)"), async () => {
    await taking(6100)();
    if (fails) throw new Error("gone");
  });
  if (fails) await expect(last).rejects.toThrow("gone");
  else await last;
  expect(recorded.recordWrite(1843)).toBe(1843);
  expect(recorded.recordWrite(12)).toBe(1843);
  return recorded.all();
}

test("the summary of an upgrade is a drawing of its parts, and a table of the agents", async () => {
  expect(
    upgradeSummary(await history(false), ["1.20.6", "1.21.0"]),
  ).toBe(`### Consul: upgrade to 1.21.0 via 1.20.6

2 agents replaced in 10.39 s; the slowest write took 1843 ms.

\`\`\`mermaid
%%{init: {"gantt":{"leftPadding":88}}}%%
gantt
dateFormat x
axisFormat %-S s
todayMarker off
section before
snapshot, 0.09 s :0, 90
section to 1.21.0
agent server-2, 4.20 s :90, 4290
agent server-1 (leader), 6.10 s :4290, 10390
\`\`\`

| agent | version | after | took |
| --- | --- | ---: | ---: |
| server-2 | 1.21.0 | 0.09 s | 4.20 s |
| server-1 (leader) | 1.21.0 | 4.29 s | 6.10 s |
`);
});

test("an upgrade that failed: why, and which agent was not done", async () => {
  const error = new ActionError("The upgrade stopped", "server-1 did not come back");
  const summary = upgradeSummary(await history(true), ["1.21.0"], { error, seen: nothingSeen });
  expect(summary).toContain(`### Consul: upgrade to 1.21.0

**The upgrade failed: The upgrade stopped**

\`\`\`text
server-1 did not come back
\`\`\`

1 agent replaced in 10.39 s; the slowest write took 1843 ms.
`);
  expect(summary).toContain("\nagent server-1 (leader) not finished :crit, 4290, 10390\n");
  expect(summary).toContain("| server-1 (leader) | 1.21.0 | 4.29 s | not finished |");
});

test.each(["gantt", "section", "title", "click", "end"])(
  "no line of the drawing begins with an agent's name, such as %s-server-1",
  async (name) => {
    const summary = upgradeSummary(await history(true, `${name}-`), ["1"]);
    const [drawing = ""] = /```mermaid[\s\S]*?```/.exec(summary) ?? [];
    expect(drawing).toContain(`agent ${name}-server-2`);
    expect(drawing).not.toMatch(new RegExp(`^${name}-`, "m"));
  },
);

test("if nothing was done, nothing is drawn", () => {
  const summary = upgradeSummary(new UpgradeHistory().all(), ["1.21.0"]);
  expect(summary).toBe("### Consul: upgrade to 1.21.0\n\n0 agents replaced in 0.00 s.\n");
});
