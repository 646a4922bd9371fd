import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";

type Texts = Readonly<Record<string, string>>;

function outcome(inputs: Texts, files: Texts) {
  const readFile = (path: string) => {
    const text = files[path];
    if (text === undefined) throw new Error("no such file");
    return Buffer.from(text);
  };
  try {
    return parseInputs((name) => inputs[name] ?? inputDefaults[name] ?? "", readFile).spec.images;
  } catch (error) {
    if (error instanceof InputError) return error.problems;
    throw error;
  }
}

const tools = "# ours\nnodejs 24.1.0\nconsul-template 0.1\nconsul\t1.22.0 1.21.0 # production\n";

test.each([
  [".consul-version", "1.20.1\n"],
  ["deep/.consul-version", "\r\n# production has this\r\n1.20.1  \r\n"],
  [".tool-versions", tools.replace("1.22.0", "1.20.1")],
])("%s names the version", (path, text) => {
  expect(outcome({ "version-file": path }, { [path]: text })).toEqual([
    "hashicorp/consul:1.20.1",
    "consul:1.20.1",
  ]);
});

describe("refused:", () => {
  const only = (path: string, text: string, more: Texts = {}) =>
    outcome({ "version-file": path, ...more }, { [path]: text });

  test.each([
    ["an empty file", ".consul-version", "# nothing\n", "which has no version."],
    ["several versions", "consul.txt", "1.1\n1.2\n", "which has several versions: 1.1, 1.2."],
    [
      "no line for consul",
      ".tool-versions",
      "nodejs 24\nconsul\n",
      "which has no line for consul.",
    ],
  ])("%s", (_, path, text, message) => {
    expect(only(path, text)).toEqual([
      {
        input: "version-file",
        message: expect.stringMatching(/^Input `version-file` is ".*", which/),
      },
    ]);
    expect(JSON.stringify(only(path, text))).toContain(message);
  });

  test("a file that is not there", () => {
    expect(outcome({ "version-file": "gone" }, {})).toEqual([
      {
        input: "version-file",
        message:
          "Input `version-file` is \"gone\", which can't be read: no such file. Give the path of a file, relative to the workspace's root (is the repository checked out?).",
      },
    ]);
  });

  test("a version that is none: the message names the file", () => {
    expect(only(".consul-version", "v1.8.7\n")).toEqual([
      {
        input: "version-file",
        message:
          'Input `version-file` (".consul-version") is "v1.8.7", which can\'t be used with hashicorp/consul: a tag has no "v". Did you mean "1.8.7"?',
      },
    ]);
    expect(only(".consul-version", "1 8\n")).toEqual([
      { input: "version-file", message: expect.stringContaining('(".consul-version") is "1 8"') },
    ]);
  });

  test("a version in two places", () => {
    expect(only(".consul-version", "1.8.7", { version: "1.9" })).toEqual([
      {
        input: "version-file",
        message:
          'Input `version-file` is ".consul-version", and `version` is "1.9": set only one of them.',
      },
    ]);
    expect(only("v", "1.8.7", { image: "consul:1.9" })).toHaveLength(1);
    expect(only("v", "1.8.7", { cluster: '{ version: "1.9" }' })).toHaveLength(1);
  });
});
