import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseClusterFile } from "../../../src/inputs/cluster-file.ts";
import { keyProblem } from "../../../src/inputs/kv-key.ts";

/** Reads a cluster file beside which there is a file `kv.json`. */
function parse(text: string, exported: string) {
  const readFile = (path: string) => {
    if (path !== "kv.json") throw new Error("no such file");
    return Buffer.from(exported);
  };
  return parseClusterFile({ text, name: "cluster.yml", readFile });
}

const messages = (exported: string, text = "kv_file: kv.json") =>
  parse(text, exported).problems.map(({ message }) => message);

const item = (key: string, value: string, more: object = {}) => {
  return { key, flags: 0, value: Buffer.from(value).toString("base64"), ...more };
};

describe("what `consul kv export` wrote", () => {
  test("is read with all flags, before the keys of `kv`, which win", () => {
    const exported = `[
	{ "key": "app/a", "flags": 42, "value": "AP8K" },
	{ "key": "app/", "flags": 0, "value": "" },
	{ "key": "lock", "flags": 3304740253564472344, "value": "bG9jaw==", "namespace": "default" },
	{ "key": "app/b", "flags": 7, "value": "b2xk" },
	{ "key": "null", "value": null, "partition": "" }
]`;
    const { file, problems } = parse("kv: { app/b: new }\nkv_file: kv.json", exported);
    expect(problems).toEqual([]);
    const place = { file: "cluster.yml", line: 2, column: 1 };
    expect(file?.seeds.kv).toEqual([
      {
        name: "kv_file[0] (app/a)",
        place,
        key: "app/a",
        flags: "42",
        value: Buffer.from([0, 255, 10]),
      },
      { name: "kv_file[1] (app/)", place, key: "app/", flags: "0", value: Buffer.alloc(0) },
      {
        name: "kv_file[2] (lock)",
        place,
        key: "lock",
        flags: "3304740253564472344",
        value: Buffer.from("lock"),
      },
      { name: "kv_file[4] (null)", place, key: "null", flags: "0", value: Buffer.alloc(0) },
      {
        name: 'kv["app/b"]',
        place: { ...place, line: 1, column: 7 },
        key: "app/b",
        value: Buffer.from("new"),
      },
    ]);
  });

  test("may have keys of other namespaces and partitions, each once", () => {
    const scopes = [
      {},
      { namespace: "default", partition: "" },
      { namespace: "team" },
      { namespace: "team", partition: "west" },
    ];
    const [, ...others] = scopes.map((scope) => ({ ...item("a", ""), ...scope }));
    const read = parse("kv: { a: own }\nkv_file: kv.json", JSON.stringify(others)).file?.seeds.kv;
    expect(
      read?.map(({ value, namespace, partition }) => [String(value), namespace, partition]),
    ).toEqual([
      ["", "team", undefined],
      ["", "team", "west"],
      ["own", undefined, undefined],
    ]);
  });

  test("may have any keys, values, and flags", () => {
    const key = fc.string({ unit: "grapheme" }).filter((text) => keyProblem(text) === undefined);
    const value = fc.uint8Array().map((bytes) => Buffer.from(bytes));
    const flags = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
    const keys = fc.uniqueArray(fc.record({ key, value, flags }), { selector: (each) => each.key });
    fc.assert(
      fc.property(keys, (all) => {
        const items = all.map(
          (each) =>
            `{"key":${JSON.stringify(each.key)},"flags":${each.flags},"value":"${each.value.toString("base64")}"}`,
        );
        const read = parse("kv_file: kv.json", `[${items.join()}]`).file?.seeds.kv;
        expect(read?.map(({ key, value, flags }) => ({ key, value, flags }))).toEqual(all);
      }),
    );
  });
});

describe("a file that is refused", () => {
  test.each([
    ["hush = hush", "the file is not JSON. It must be what `consul kv export` writes."],
    ['{ "key": "hush" }', "the file can't be used: it must be a list."],
    ['["hush"]', "item 1 of the file can't be used: it must be a mapping with `key`, `flags`, and"],
    ['[{ "value": "" }]', "item 1 of the file can't be used: `key` must be a string."],
    [
      '[{ "key": "a", "value": "hush!" }]',
      "item 1 of the file can't be used: `value` must be base64",
    ],
    ['[{ "key": "a", "flags": -1 }]', "item 1 of the file can't be used: `flags` must be a whole"],
    [
      '[{ "key": "a", "flags": 18446744073709551616 }]',
      "`flags` must be a whole number of at most",
    ],
    ['[{ "key": "a", "namespace": 1 }]', "item 1 of the file can't be used: `namespace` must be a"],
    [
      JSON.stringify([item("a", ""), item("/b", "")]),
      "item 2 of the file, `/b`, is not a valid key: it must not start with `/`.",
    ],
    [
      JSON.stringify([item("a", "hush"), item("a", "hush")]),
      "item 2 of the file, `a`, has the key of an earlier item.",
    ],
  ])("%j", (exported, message) => {
    expect(messages(exported)).toEqual([
      expect.stringMatching(/^cluster\.yml:1:1: `kv_file`: [^\n]*\.$/),
    ]);
    expect(messages(exported).join()).toContain(message);
    expect(messages(exported).join()).not.toContain("hush");
  });

  test("that is not there is named by its key", () => {
    expect(messages("", "kv_file: other.json")).toEqual([
      "cluster.yml:1:1: `kv_file`: the file can't be read: no such file.",
    ]);
  });

  test("with many problems reports the first ones", () => {
    const many = Array.from({ length: 25 }, (_, index) => item(`/${index}`, ""));
    const said = messages(JSON.stringify(many));
    expect(said).toHaveLength(11);
    expect(said.at(-1)).toBe("cluster.yml:1:1: `kv_file`: 15 more of its keys can't be used.");
  });
});
