import { describe, expect, test } from "vitest";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";

function specOf(inputs: Record<string, string>) {
  const texts = new Map(Object.entries({ ...inputDefaults, ...inputs }));
  return parseInputs((name) => texts.get(name) ?? "").spec;
}

describe("storage", () => {
  test.each([
    ["1", "0", "", "memory"],
    ["1", "5", "", "memory"],
    ["1", "0", "disk", "disk"],
    ["1", "0", "memory", "memory"],
    ["2", "0", "", "disk"],
    ["3", "3", "disk", "disk"],
  ])("of %s servers and %s clients with %j is %s", (servers, clients, storage, expected) => {
    expect(specOf({ servers, clients, storage }).datacenters[0].storage).toBe(expected);
  });

  test("memory for several servers is refused, with the reason", () => {
    expect(() => specOf({ servers: "3", storage: "memory" })).toThrow(
      /`storage` is "memory", but `servers` is 3: .*elects itself.*`storage: disk` or `servers: 1`/,
    );
  });

  test("an unknown word is refused", () => {
    expect(() => specOf({ storage: "tmpfs" })).toThrow(
      /`storage` is "tmpfs": .*`memory` or `disk`/,
    );
  });
});
