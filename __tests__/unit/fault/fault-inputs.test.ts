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
    expect(parse({ action: "kill", target }).target).toEqual(expected);
  });

  test("without a target, nodes are brought back but none is broken", () => {
    expect(parse({ action: "start" }).target).toEqual({ all: true });
    expect(() => parse({ action: "kill" })).toThrow("`target` is empty");
  });

  test("all bad inputs are reported at once", () => {
    expect(() => parse({ action: "shoot", target: "[1]", wait: "maybe" })).toThrow(
      /`action` is "shoot".*\n.*`target` is "\[1\]".*\n.*`wait` is "maybe"/,
    );
  });
});
