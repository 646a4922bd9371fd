import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import { parseWaitInputs, waitInputDefaults } from "../../../src/wait/wait-inputs.ts";

type Inputs = Readonly<Record<string, string>>;

const parsed = (inputs: Inputs) =>
  parseWaitInputs((name) => inputs[name] ?? waitInputDefaults[name] ?? "");

/** The inputs that are refused, and why. */
function refused(inputs: Inputs): string[] {
  try {
    parsed(inputs);
    return [];
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.problems.map(({ input, message }) => `${input}: ${message}`);
  }
}

describe("the inputs of wait", () => {
  test("one condition, the rest by default", () => {
    expect(parsed({ service: "web" })).toEqual({
      services: ["web"],
      passing: 1,
      keys: [],
      checks: [],
      nodes: [],
      configEntries: [],
      datacenter: "",
      cluster: "",
      timeout: 120_000,
    });
  });

  test("several conditions, names one per line, each once", () => {
    const inputs = {
      service: "web\n  a service, with a comma \r\n\nweb\n",
      passing: "2",
      key: "app/ready",
      value: "yes",
      check: "service:web",
      node: "client-1\nclient-2",
      "config-entry": "service-defaults/web\nproxy-defaults/a/b",
      datacenter: "east",
      timeout: "10s",
    };
    expect(parsed(inputs)).toMatchObject({
      services: ["web", "a service, with a comma"],
      passing: 2,
      keys: [{ key: "app/ready", value: "yes" }],
      checks: ["service:web"],
      nodes: ["client-1", "client-2"],
      configEntries: [
        { kind: "service-defaults", name: "web" },
        { kind: "proxy-defaults", name: "a/b" },
      ],
      datacenter: "east",
      timeout: 10_000,
    });
  });

  test("keys without a value may have any", () => {
    const keys = ["a", "b"].map((key) => ({ key, value: undefined }));
    expect(parsed({ key: "a\nb" }).keys).toEqual(keys);
  });

  test("all problems are reported at once", () => {
    const inputs = { service: "web", passing: "0", key: "/a\nb", "config-entry": "web" };
    expect(refused({ ...inputs, datacenter: "East", timeout: "soon" })).toEqual([
      'passing: Input `passing` is "0": it must be a whole number from 1 to 10000. For example: `passing: 2`.',
      'key: Input `key` is "/a\\nb" ("/a": it must not start with `/`): it must be keys of the KV store, one per line. For example: `key: app/ready`.',
      'config-entry: Input `config-entry` is "web" ("web": not kind/name): it must be configuration entries in the form kind/name, one per line. For example: `config-entry: service-defaults/web`.',
      expect.stringMatching(/^datacenter: /),
      expect.stringMatching(/^timeout: /),
    ]);
  });

  test.each<[string, Inputs, RegExp[]]>([
    [
      "nothing",
      {},
      [/^service: There is nothing to wait for: set at least one of `service`, `key`/],
    ],
    ["blank lines only", { node: " \n" }, [/^service: There is nothing to wait for/]],
    ["a count without a service", { key: "a", passing: "2" }, [/^passing: .* `service` is empty/]],
    ["a value without a key", { node: "a", value: "x" }, [/^value: .* and there is none:/]],
    ["a value for two keys", { key: "a\nb", value: "x" }, [/^value: .* and there are 2:/]],
    [
      "several of these",
      { value: "x", passing: "3" },
      [/^service: There is nothing/, /^passing: /, /^value: /],
    ],
  ])("refuse %s", (_, inputs, expected) => {
    expect(refused(inputs)).toEqual(expected.map((each) => expect.stringMatching(each)));
  });
});
