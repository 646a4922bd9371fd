import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { settingsIn } from "../../../src/inputs/agent-config-text.ts";

const named = (text: string) =>
  settingsIn(text).map(({ path, value }) => `${path.join(".")}=${value}`);

describe("the values in configuration", () => {
  test.each([
    ['datacenter = "other"', ["datacenter=other"]],
    ['{"datacenter": "other", "ports": {"http": 1, "dns": -1}}', "json"],
    ["ports { http = 1 dns = -1 }", ["ports.http=1", "ports.dns=-1"]],
    ["ports = { http = 1, dns = -1 }", ["ports.http=1", "ports.dns=-1"]],
    ['ports "http" = 1', ["ports.http=1"]],
    ["ports = [{ http = 1 }]\nports { dns = 2 }", ["ports.http=1", "ports.dns=2"]],
    ['"server"=true', ["server=true"]],
    ['retry_join = ["a", "b"] server = true', ["retry_join=a", "retry_join=b", "server=true"]],
    ['# a = "1"\n// b = 2\n/* c = 3 */ d /* e */ = /* f */ 4', ["d=4"]],
    ['a = "b = 1 # {" c = 2', ["a=b = 1 # {", "c=2"]],
    ["a = <<EOF\nserver = true\nEOF\nb = 1", ["a=server = true", "b=1"]],
    ["a = <<-EOF\n  x\n  EOF\nb = 1", ["a=  x", "b=1"]],
    ['a = "q \\"x\\" \\u0041"', ['a=q "x" A']],
    ['"serv\\u0065r" = true', ["server=true"]],
    ['{"a": null, "b": ""}', ["b="]],
    ["a { b { c { d { e = 1 } } } }", ["a.b.c.d=1"]],
    ["} ] a = 1", ["a=1"]],
    ["", []],
  ])("%j", (text, values) => {
    const json = ["datacenter=other", "ports.http=1", "ports.dns=-1"];
    expect(named(text)).toEqual(values === "json" ? json : values);
  });

  test("come with the place of their key", () => {
    const text = '# x\nports {\n  http = "1"\n}';
    expect(settingsIn(text).map(({ offset }) => text.slice(offset))).toEqual(['http = "1"\n}']);
  });
});

const key = fc.stringMatching(/^[a-z_]{1,8}$/);
const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean());
const { tree } = fc.letrec<{ tree: Record<string, unknown> }>((tie) => ({
  tree: fc.dictionary(key, fc.oneof({ depthSize: "small" }, scalar, tie("tree"))),
}));

function valuesOf(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value !== "object" || value === null)
    return [`${path.slice(0, 4).join(".")}=${value}`];
  return Object.entries(value).flatMap(([name, each]) => valuesOf(each, [...path, name]));
}

function hclOf(value: Readonly<Record<string, unknown>>): string {
  return Object.entries(value)
    .map(([name, each]) =>
      typeof each === "object" && each !== null
        ? `${name} {\n${hclOf({ ...each })}\n}`
        : `${name} = ${JSON.stringify(each)}`,
    )
    .join("\n");
}

test("any configuration has the same values in JSON and in HCL", () => {
  fc.assert(
    fc.property(tree, (value) => {
      expect(named(JSON.stringify(value))).toEqual(valuesOf(value));
      expect(named(hclOf(value))).toEqual(valuesOf(value));
    }),
  );
});

test("any text is read without a crash", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void settingsIn(text)));
});

test.each(["a{", "a ", "[", '"', "/*", "<<E\n", "a=1 ", '{"a":', '"a" '])(
  "time is linear in a text of %j",
  (part) => {
    const start = performance.now();
    settingsIn(part.repeat(120_000 / part.length));
    expect(performance.now() - start).toBeLessThan(2000);
  },
);
