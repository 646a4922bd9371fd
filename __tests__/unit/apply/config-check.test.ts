import { describe, expect, test } from "vitest";
import { wordsOf } from "../../../src/apply/config-check.ts";

describe("Consul's words about a configuration", () => {
  test("come without the wrapping, with the position in the user's text", () => {
    const said =
      "Config validation failed: failed to parse /dev/stdin: At 2:6: object expected closing RBRACE got: EOF";
    expect(wordsOf(said)).toBe(
      "failed to parse config: At 2:6: object expected closing RBRACE got: EOF",
    );
  });
  test("are not seen in what docker says", () => {
    expect(wordsOf("exec: /bin/sh: no such file or directory")).toBeUndefined();
  });
});
