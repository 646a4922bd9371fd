import { describe, expect, test } from "vitest";
import { parseScaleInputs, scaleInputDefaults } from "../../../src/scale/scale-inputs.ts";

const parse = (inputs: Readonly<Record<string, string>>) =>
  parseScaleInputs((name) => inputs[name] ?? scaleInputDefaults[name] ?? "");

describe("inputs of scale", () => {
  test("what is not set stays as it is", () => {
    expect(parse({ clients: "0" })).toEqual({
      ...{ servers: undefined, clients: 0, datacenter: "", cluster: "", timeout: 120_000 },
    });
    expect(parse({ servers: "5", datacenter: "west", timeout: "30s" })).toMatchObject({
      ...{ servers: 5, clients: undefined, datacenter: "west", timeout: 30_000 },
    });
  });

  test("one of the two numbers is needed", () => {
    expect(() => parse({ datacenter: "dc1" })).toThrow(
      "Inputs `servers` and `clients` are both empty: set at least one of them",
    );
  });

  test("all problems at once, each with the value and what is allowed", () => {
    expect(() => parse({ servers: "0", clients: "901", datacenter: "A b" })).toThrow(
      [
        'Input `servers` is "0": it must be a whole number from 1 to 15, or empty to leave it as it is. For example: `servers: 5`.',
        'Input `clients` is "901": it must be a whole number from 0 to 100, or on several engines that many for each of them, or empty to leave it as it is. For example: `clients: 5`.',
        'Input `datacenter` is "A b": it must be the name of one of the cluster\'s datacenters, or empty.',
      ].join("\n"),
    );
  });
});
