/** Each check fails on what it is there for. That the repository passes is what npm run check says. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readAction } from "../../../script/action.ts";
import { typeProblems } from "../../../script/check/action-types.ts";
import { deadLinks } from "../../../script/check/documents.ts";
import { licenseProblems } from "../../../script/check/licenses.ts";
import { marketplaceProblems } from "../../../script/check/marketplace.ts";
import { strangeMessages } from "../../../script/check/messages.ts";
import { snippetsOf, unmarkedSnippets } from "../../../script/check/snippets.ts";
import { stepProblems } from "../../../script/check/steps.ts";
import { withOwner } from "../../../script/repository.ts";
import { root } from "../../../script/runner.ts";
import { described } from "../../../script/tables.ts";

describe("links", () => {
  const dead = (...pages: [string, string][]) => {
    const files = new Map(pages);
    return deadLinks(files, (path) => files.has(path) || path === "src/a.ts");
  };

  test("to files and headings that are there", () => {
    const guide =
      "# One `two`: [three](../README.md)\n\n[a](#one-two-three) [b](../src/a.ts) <a href='x'>\n# Same\n# Same\n[c](#same-1)";
    expect(dead(["docs/guide.md", guide], ["README.md", "[g](docs/guide.md#same)"])).toEqual([]);
  });

  test.each([
    ["a file", "[a](missing.md)", "missing.md"],
    ["a heading of this page", "# Real\n[a](#unreal)", "#unreal"],
    ["a heading of another page", "[a](docs/guide.md#unreal)", "docs/guide.md#unreal"],
    ["a reference", "[a]\n\n[a]: missing.md", "missing.md"],
    ["a picture", '<picture><img alt="x" src="missing.svg"></picture>', "missing.svg"],
  ])("to %s that is not there", (_, text, link) => {
    expect(dead(["README.md", text], ["docs/guide.md", "# Guide"])).toEqual([
      `README.md: dead link ${link}`,
    ]);
  });

  test("in code are none, and neither are headings", () => {
    const text = "```sh\n# comment\n[a](missing.md)\n```\n`[b](missing.md)` [c](#comment)";
    expect(dead(["README.md", text])).toEqual(["README.md: dead link #comment"]);
  });

  test("to other sites are not followed", () => {
    expect(dead(["README.md", "[a](https://example.com/#x) [b](mailto:a@example.com)"])).toEqual(
      [],
    );
  });
});

describe("action-types.yml", () => {
  const logs = readAction(join(root, "logs"));
  const action = {
    ...logs,
    inputs: {
      wait: { description: "Whether to wait.", default: "true" },
      mode: { description: "fast or slow", default: "fast" },
    },
    outputs: {},
  };
  const types = (wait: string, mode: string) =>
    typeProblems(action, `inputs:\n  wait: ${wait}\n  mode: ${mode}\n`);

  test("that agrees", () => {
    const mode = "{ type: enum, allowed-values: [fast, slow] }";
    expect(types("{ type: boolean }", mode)).toEqual([]);
  });

  test.each([
    ["an unknown type", "{ type: bool }", "{ type: string }", /inputs\.wait/],
    ["a boolean as a string", "{ type: string }", "{ type: string }", /must be boolean/],
    ["a default that is no number", "{ type: integer }", "{ type: string }", /default is true/],
    [
      "a value that is not described",
      "{ type: boolean }",
      "{ type: enum, allowed-values: [fast, slow, mid] }",
      /mid/,
    ],
    [
      "a default that is not allowed",
      "{ type: boolean }",
      "{ type: enum, allowed-values: [slow] }",
      /fast, is not an allowed value/,
    ],
  ])("with %s", (_, wait, mode, message) => {
    expect(types(wait, mode)).toEqual([expect.stringMatching(message)]);
  });

  test("without an input", () => {
    expect(typeProblems(action, "inputs:\n  wait: { type: boolean }\n")).toEqual([
      "inputs are wait; action.yml has wait, mode",
    ]);
  });
});

test("the marketplace wants a short description, an icon, a color, and a name of its own", () => {
  const action = readAction(root);
  expect(marketplaceProblems(action, ["Another"])).toEqual([]);
  const { branding: _, ...plain } = { ...action, description: "x".repeat(125) };
  expect(marketplaceProblems(plain, [action.name])).toEqual([
    expect.stringContaining("another action"),
    expect.stringContaining("125 characters"),
    expect.stringContaining("branding.icon"),
    expect.stringContaining("branding.color"),
  ]);
});

test("a license that asks for more than its text is refused, and so is a package without one", () => {
  const text = "a\nMIT\nThe text\n\nMIT\nof it\n\nb\nGPL-3.0-only\nThe text\n";
  expect(licenseProblems(text, ["a", "b", "c"], ["a", "c"])).toEqual([
    "dist/licenses.txt does not have c, which src imports",
    expect.stringMatching(/^b is in the bundle, and its license is GPL-3.0-only/),
  ]);
  expect(licenseProblems("a\nMIT\nThe text\n", ["a", "b"], ["a"])).toEqual([]);
});

test("the owner is replaced where the repository is named, and nowhere else", () => {
  const text =
    "uses: old/consul-cluster-action/fault@v1\nhttps://github.com/old/consul-cluster-action/issues\n" +
    "/tmp/consul-cluster-action/x consul-cluster-action/stand-in:1 old/consul-cluster-action-tests\n";
  expect(withOwner("README.md", text, "new/consul-cluster-action")).toBe(
    "uses: new/consul-cluster-action/fault@v1\nhttps://github.com/new/consul-cluster-action/issues\n" +
      "/tmp/consul-cluster-action/x consul-cluster-action/stand-in:1 old/consul-cluster-action-tests\n",
  );
  expect(withOwner(".github/CODEOWNERS", "* @old/team\n", "new/consul-cluster-action")).toBe(
    "* @new/team\n",
  );
});

describe("messages that a page quotes", () => {
  const strange = (cell: string) =>
    strangeMessages(`| message | cause |\n| --- | --- |\n| ${cell} | why |\n`, [
      "throw new ActionError(`No \\`ip\\` at $" + "{node}, and `);",
      'const text = "Not " +\n  "found";',
    ]);

  test("are those of the code, with an ellipsis for what differs", () => {
    expect(strange("`` No `ip` at …, and ``, `Not found`")).toEqual([]);
  });

  test.each(["`Not there`", "`and … No`"])("%s is none", (cell) => {
    expect(strange(cell)).toEqual([expect.stringContaining("which no message of src has")]);
  });
});

describe("snippets", () => {
  const page =
    "# A page\n```yaml\n- uses: a\n```\n```text\nout\n```\n## Next\n  ```sh\n  # no heading\n  ls\n  ```\n";

  test("are found below their headings, without output", () => {
    expect(snippetsOf("docs/a.md", page)).toEqual([
      { place: "docs/a.md#a-page", language: "yaml", text: "- uses: a\n" },
      { place: "docs/a.md#next", language: "sh", text: "# no heading\nls\n" },
    ]);
  });

  test("each have a mark, and each mark a snippet", () => {
    const snippets = snippetsOf("docs/a.md", page);
    const why = { why: "because" };
    expect(
      unmarkedSnippets(snippets, { "docs/a.md#a-page": [why], "docs/a.md#next": [why] }),
    ).toEqual([]);
    expect(
      unmarkedSnippets(snippets, { "docs/a.md#a-page": [why], "docs/a.md#gone": [why] }),
    ).toEqual([
      expect.stringContaining("docs/a.md#next has 1 snippets"),
      expect.stringContaining("docs/a.md#gone has 0 snippets"),
    ]);
  });
});

describe("steps", () => {
  const ours = "org/consul-cluster-action";

  test.each([
    [
      "an input that is not there",
      `- uses: ${ours}@v1\n  with: { server: 3 }`,
      "has no input server",
    ],
    ["an action that is not there", `- uses: ${ours}/faults@v1`, "there is no action"],
    [
      "an output that is not there",
      `- { uses: ${ours}@v1, id: consul }\n- run: echo $\{{ steps.consul.outputs.url }}`,
      "the step consul has no output url",
    ],
    ["no YAML", "- {", "must"],
  ])("with %s", (_, text, problem) => {
    expect(stepProblems(text).join()).toContain(problem);
  });

  test("of ours and of others, anywhere in a workflow", () => {
    const steps = `steps:\n  - { uses: ${ours}/fault@v1, id: kill, with: { action: kill } }\n  - { uses: a/b@v1, id: other, with: { c: 1 } }\n  - run: echo $\{{ steps.kill.outputs.leader }} $\{{ steps.other.outputs.d }}\n`;
    expect(stepProblems(steps)).toEqual([]);
  });
});

test("a description names pages of the docs by links from the page that it is on", () => {
  const text = "`a | b`: see docs/images.md#tags.";
  expect(described(text, "README.md")).toBe(
    "`a \\| b`: see [docs/images.md](docs/images.md#tags).",
  );
  expect(described(text, "docs/faults.md")).toBe(
    "`a \\| b`: see [docs/images.md](images.md#tags).",
  );
});
