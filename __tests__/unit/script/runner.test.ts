import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readAction } from "../../../script/action.ts";
import { Masks, parseCommandFile, parsePathFile } from "../../../script/commands.ts";
import { linePrinter } from "../../../script/print.ts";
import { evaluate, inputVariable, Job, resolveInputs } from "../../../script/runner.ts";

const expression = (text: string) => `\${{ ${text} }}`;

describe("command files", () => {
  test("give name=value lines, an equals sign in the value included", () => {
    expect(parseCommandFile("a=1\n\nb=x=y<<z\nc=\n")).toEqual({ a: "1", b: "x=y<<z", c: "" });
  });

  test("give values of many lines up to their delimiter", () => {
    const content = "nodes<<ghadelimiter_1\n[\n  a=b\n\n]\nghadelimiter_1\r\nempty<<E\nE\nx=1\n";
    expect(parseCommandFile(content)).toEqual({ nodes: "[\n  a=b\n\n]", empty: "", x: "1" });
  });

  test("that are broken are refused", () => {
    expect(() => parseCommandFile("a<<END\nb\n")).toThrow("no END");
    expect(() => parseCommandFile("nonsense")).toThrow("nonsense");
  });

  test("give folders for the path", () => {
    expect(parsePathFile("/a\n/b c\n")).toEqual(["/a", "/b c"]);
  });
});

describe("masks", () => {
  test("hide a value from where it is added on", () => {
    const masks = new Masks();
    expect(masks.apply("key s3cret")).toBe("key s3cret");
    expect(masks.apply("::add-mask::s3cret")).toBe("::add-mask::***");
    expect(masks.apply("key s3cret, s3cret")).toBe("key ***, ***");
  });

  test("are decoded, each line a value, the longest first", () => {
    const masks = new Masks();
    masks.apply("::add-mask::ab%250A%0Aabcd%0D%0A");
    expect(masks.apply("abcd ab%0A ab")).toBe("*** *** ab");
  });
});

describe("inputs", () => {
  const action = {
    name: "A",
    description: "",
    inputs: {
      servers: { description: "", default: "3" },
      network: { description: "", default: expression("job.container.network") },
      config: { description: "" },
    },
    outputs: {},
    runs: { using: "node24", main: "main.js" },
  } as const;

  test("are the given ones, else defaults with expressions filled in", () => {
    const contexts = { job: { container: { network: "n1" } } };
    const expected = { servers: "5", network: "n1", config: "" };
    expect(resolveInputs(action, { servers: "5" }, contexts)).toEqual(expected);
    expect(resolveInputs(action, {}, {}).network).toBe("");
  });

  test("that the action does not have are an error", () => {
    expect(() => resolveInputs(action, { server: "3" }, {})).toThrow("no input server");
  });

  test("become variables with dashes kept", () => {
    expect(inputVariable("http-port")).toBe("INPUT_HTTP-PORT");
    expect(inputVariable("two words")).toBe("INPUT_TWO_WORDS");
  });

  test("know no expressions but paths", () => {
    const template = `a-${expression("runner.os")}-${expression("job.id")}`;
    expect(evaluate(template, { runner: { os: "Linux" } })).toBe("a-Linux-");
    expect(() => evaluate(expression("a || b"), {})).toThrow("a || b");
  });
});

test("a log's groups become headings, and its commands disappear", () => {
  const printed: string[] = [];
  const print = linePrinter((line) => printed.push(line));
  const log = [
    "::group::Start",
    "one",
    "::add-mask::***",
    "::endgroup::",
    "::error title=T::a%0Ab",
  ];
  for (const line of log) print(line);
  expect(printed).toEqual(["▸ Start", "  one", "✘ a\n  b"]);
});

describe("a job", () => {
  const folder = mkdtempSync(join(tmpdir(), "action-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  beforeAll(() => {
    const yaml =
      "name: A\ndescription: d\ninputs:\n  a-b: { description: d, default: 7 }\nruns: { using: node24, main: main.mjs, post: post.mjs }\n";
    const main = `
      import { appendFileSync } from "node:fs";
      const put = (file, text) => appendFileSync(process.env["GITHUB_" + file], text + "\\n");
      put("OUTPUT", "got=" + process.env["INPUT_A-B"] + " " + (process.env.EARLIER ?? "none"));
      put("STATE", "id<<E\\nx\\nE");
      put("ENV", "EARLIER=yes");
      put("PATH", "/made/up");
      put("STEP_SUMMARY", "# Sum");
      console.log("::add-mask::hush");
      console.log("say hush");
      if (process.env["INPUT_A-B"] === "hang") setInterval(() => {}, 1000);
      else process.exitCode = Number(process.env["INPUT_A-B"]);
    `;
    const post = `
      const { PATH, STATE_id, EARLIER, GITHUB_ACTIONS, SHELL } = process.env;
      console.log([PATH.split(":")[0], STATE_id, EARLIER, GITHUB_ACTIONS, SHELL].join());
      console.log(process.env["INPUT_A-B"], process.env.RUNNER_DEBUG);
    `;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "action.yml"), yaml);
    writeFileSync(join(folder, "main.mjs"), main);
    writeFileSync(join(folder, "post.mjs"), post);
  });

  test("reads what its action is", () => {
    expect(readAction(folder).inputs).toEqual({ "a-b": { description: "d", default: "7" } });
  });

  test("gives inputs, reads answers, masks the log", async () => {
    const lines: string[] = [];
    const job = new Job({ action: folder, onLine: (line) => lines.push(line) });
    const result = await job.main({});
    expect(result).toMatchObject({
      exitCode: 7,
      signal: null,
      outputs: { got: "7 none" },
      state: { id: "x" },
      env: { EARLIER: "yes" },
      path: ["/made/up"],
      summary: "# Sum\n",
      log: "::add-mask::***\nsay ***\n",
      rawLog: "::add-mask::hush\nsay hush\n",
    });
    expect(lines).toEqual(["::add-mask::***", "say ***"]);
    job.dispose();
  });

  test("hands on environment, path and state to later steps, and nothing else", async () => {
    const job = new Job({ action: folder, debug: true });
    await job.main({ "a-b": "0" });
    expect((await job.main({ "a-b": "1" }, folder)).outputs).toEqual({ got: "1 yes" });
    expect((await job.post()).log).toBe("/made/up,x,yes,true,\n1 1\n");
    job.dispose();
  });

  test("runs a post step without a main step", async () => {
    const job = new Job({ action: folder });
    expect((await job.post()).log).toMatch(/,,,true,\n7 undefined\n$/);
    job.dispose();
  });

  test("lets a step be stopped by a signal", async () => {
    const job = new Job({ action: folder });
    const step = job.start({ "a-b": "hang" });
    step.process.stdout?.once("data", () => step.process.kill("SIGTERM"));
    expect(await step.result).toMatchObject({ exitCode: null, signal: "SIGTERM" });
    job.dispose();
  });
});
