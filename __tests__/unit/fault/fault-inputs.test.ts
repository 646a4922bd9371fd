import { describe, expect, test } from "vitest";
import {
  faultInputDefaults,
  parseFaultInputs,
  type Target,
} from "../../../src/fault/fault-inputs.ts";

const parse = (inputs: Readonly<Record<string, string>>) =>
  parseFaultInputs((name) => inputs[name] ?? faultInputDefaults[name] ?? "");

describe("the inputs of fault", () => {
  test.each<[string, Target]>([
    ["leader", { word: "leader" }],
    ["server-2", { names: ["server-2"] }],
    ["server-2, client-1\nserver-2", { names: ["server-2", "client-1"] }],
    ['["server-2","client-1"]', { names: ["server-2", "client-1"] }],
  ])("target %j", (target, expected) => {
    expect(parse({ action: "kill", target }).fault).toEqual({ action: "kill", target: expected });
  });

  test("without a target, nodes are brought back but none is broken", () => {
    expect(parse({ action: "start" }).fault).toEqual({ action: "start", target: { all: true } });
    expect(() => parse({ action: "kill" })).toThrow("`target` is empty");
  });

  test("all bad inputs are reported at once", () => {
    expect(() => parse({ action: "shoot", target: "[1]", wait: "maybe" })).toThrow(
      /`action` is "shoot".*\n.*`target` is "\[1\]".*\n.*`wait` is "maybe"/,
    );
  });

  test("groups are lists of names and words, separated by |", () => {
    expect(
      parse({ action: "partition", groups: "leader, client-1 | server-2 minority|others" }),
    ).toEqual(
      expect.objectContaining({
        fault: {
          action: "partition",
          groups: [
            { names: ["client-1"], words: ["leader"], takesOthers: false },
            { names: ["server-2"], words: ["minority"], takesOthers: false },
            { names: [], words: [], takesOthers: true },
          ],
        },
      }),
    );
  });

  test.each([
    ["leader", "only one group"],
    ["leader | ", "a group is empty"],
    ["server-1, leader | server-1 | leader", "server-1 is in two groups, leader is in two groups"],
    ["others | others", "others is in two groups"],
    ["a;b | c", '"a;b" is not a node\'s name'],
  ])("groups %j are refused: %s", (groups, problem) => {
    expect(() => parse({ action: "partition", groups })).toThrow(
      `(${problem}): it must be two or more groups`,
    );
  });

  test("a fault that is undone knows by what", () => {
    const holdOf = (
      action: string,
      more: Readonly<Record<string, string>> = { target: "leader" },
    ) => parse({ action, for: "10s", ...more }).hold;
    expect(holdOf("kill")).toEqual({ milliseconds: 10_000, undo: "start" });
    expect(holdOf("stop")?.undo).toBe("start");
    expect(holdOf("pause")?.undo).toBe("resume");
    expect(holdOf("isolate")?.undo).toBe("heal");
    expect(holdOf("partition", { groups: "leader | others" })?.undo).toBe("heal");
    expect(parse({ action: "kill", target: "leader" }).hold).toBeUndefined();
  });

  test("what can't be undone, and a step that doesn't wait, take no `for`", () => {
    const refused = (inputs: Readonly<Record<string, string>>) => () =>
      parse({ target: "leader", for: "10s", ...inputs });
    expect(refused({ action: "restart" })).toThrow(
      "`restart` can't be undone: remove `for`, or use one of kill, stop, pause, isolate, partition, delay, loss, bandwidth.",
    );
    expect(refused({ action: "kill", wait: "false" })).toThrow(
      "Inputs `for` and `wait: false` exclude each other",
    );
    expect(refused({ action: "kill", for: "soon" })).toThrow(
      '`for` is "soon": it must be a time from 1 second to 6 hours, such as 90s, 2m, 1m30s, or a number of seconds, or empty.',
    );
  });

  test("a partition takes groups, and no other action does", () => {
    expect(() => parse({ action: "partition" })).toThrow(
      "`groups` is empty, but `partition` needs it",
    );
    expect(() =>
      parse({ action: "partition", groups: "leader | others", target: "leader" }),
    ).toThrow("`target` is set, but `partition` acts on the nodes in `groups`");
    expect(() => parse({ action: "isolate", groups: "leader | others" })).toThrow(
      /`groups` is for `action: partition`.*\n.*`target` is empty/,
    );
  });
});
