import { describe, expect, test } from "vitest";
import { isAtLeast } from "../../../src/consul/versions.ts";

describe("isAtLeast", () => {
  test.each([
    ["1.8.7", "1.8.7", true],
    ["1.10.0", "1.9.0", true],
    ["1.4.4", "1.11.0", false],
    ["2.1.0", "1.22.0", true],
    ["1.11.0-rc1", "1.11.0", true],
    ["1.18.3+ent", "1.18.3", true],
    ["1.8.7+dfsg1", "1.8.8", false],
  ])("%s, %s: %s", (version, change, expected) => {
    expect(isAtLeast(version, change)).toBe(expected);
  });

  test("throws on anything else", () => {
    expect(() => isAtLeast("latest", "1.0.0")).toThrow("not a Consul version: latest");
  });
});
