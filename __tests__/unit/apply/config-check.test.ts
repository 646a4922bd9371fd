import { describe, expect, test } from "vitest";
import { validationsOf, wordsOf } from "../../../src/apply/config-check.ts";
import { specOf } from "../plan/fixtures.ts";

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

describe("each configuration is checked once in each image", () => {
  const cluster = `
config: { a: 1 }
client_config: { b: 2 }
nodes:
  server-1: { config: &own { c: 3 } }
  server-2: { config: *own, version: "1.21" }
  server-3: { config: *own }
  client-1: { config: *own }
`;
  const image = { reference: "consul:1.20" };
  const ofNodes = new Map([["server-2", { reference: "consul:1.21" }]]);
  const spec = specOf({ cluster, clients: "2", config: "d = 4" });
  const validations = validationsOf(spec, { image, ofNodes });

  test("the input alone, and a node's with all that it overrides", () => {
    expect(validations.map((each) => [each.image, each.input, each.subject])).toEqual([
      ["consul:1.20", "d = 4", "`config`"],
      ["consul:1.21", "d = 4", "`config`"],
      ["consul:1.20", '{"a":1}\n{"c":3}\n', "server-1's configuration"],
      ["consul:1.21", '{"a":1}\n{"c":3}\n', "server-2's configuration"],
      ["consul:1.20", '{"a":1}\n{"b":2}\n{"c":3}\n', "client-1's configuration"],
    ]);
    expect(validations.map(({ script }) => script.includes("server = true"))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  test("and what Consul says names the place in the file", () => {
    expect(validations[3]?.problemOf("no").message).toBe(
      "Input `cluster`:6:3: Consul (consul:1.21) refused server-2's configuration, to which `nodes` adds: no",
    );
  });
});
