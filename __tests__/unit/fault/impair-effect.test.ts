import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { impairEffect } from "../../../src/fault/impair-effect.ts";
import { agent, consulThatAnswers, dc1, names, three } from "../find/fixtures.ts";

const delay = { action: "delay", scope: "agents", latency: 320, jitter: 20 } as const;
const of = (...wanted: string[]) => three.filter(({ node }) => wanted.includes(node));

describe("the effect of an impairment", () => {
  const asked = (node: string, impairment: Parameters<typeof impairEffect>[0] = delay) =>
    names(impairEffect(impairment, of(node), [dc1()]).asked);

  test("a delay is measured by what an agent asks the leader, or is asked as the leader", () => {
    expect(asked("server-2")).toEqual(["server-2"]);
    expect(asked("client-1")).toEqual(["client-1"]);
    expect(asked("server-1")).toEqual(["server-1", "server-2"]);
    expect(asked("server-1", { ...delay, scope: "all" })).toEqual(["server-1"]);
  });

  test("of loss and bandwidth, nothing can be measured", () => {
    expect(
      impairEffect({ action: "loss", scope: "agents", percent: 1 }, of("server-1"), [dc1()]).gates,
    ).toEqual([]);
  });
});

test.each([
  [0, ["a read took server-2: "]],
  [300, []],
])("a read that takes %i ms: %j", async (milliseconds, expected) => {
  const consul = await consulThatAnswers(async (_, answer) => {
    await sleep(milliseconds);
    answer.end("[]");
  });
  const slow = { ...agent("server-2"), consul };
  const [gate] = impairEffect(delay, [slow], [dc1()]).gates;
  const { failing = [] } = (await gate?.look([])) ?? {};
  expect(failing).toEqual(expected.map((start) => expect.stringContaining(start)));
});
