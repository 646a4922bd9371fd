import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { readCommandLine, wholeNumber } from "../../../script/command-line.ts";
import { root } from "../../../script/runner.ts";

const line = {
  command: "npm run x",
  about: "does x",
  values: z.object({
    rounds: wholeNumber(1).default(7).describe("how often"),
    "log-level": z.string().optional().describe("how loud"),
  }),
  positional: ["rounds"],
};

const read = (args: readonly string[], env = {}) => readCommandLine(line, args, env);
const values = (given: Record<string, unknown>) => ({ kind: "values", values: given });
const refused = (message: string) => ({ kind: "refused", message });

describe("a command line", () => {
  test.each([
    [[], { rounds: 7 }],
    [["12"], { rounds: 12 }],
    [["--log-level", "debug", "3"], { rounds: 3, "log-level": "debug" }],
    [["--log-level=a=b\nc"], { rounds: 7, "log-level": "a=b\nc" }],
    [["--log-level=--tls"], { rounds: 7, "log-level": "--tls" }],
    [["--log-level="], { rounds: 7, "log-level": "" }],
    [["--log-level", "-1"], { rounds: 7, "log-level": "-1" }],
  ])("%j gives values", (args, expected) => {
    expect(read(args)).toEqual(values(expected));
  });

  test.each([
    [["abc"], 'rounds is "abc": it must be a whole number from 1'],
    [["-1"], 'rounds is "-1": it must be a whole number from 1'],
    [["0"], 'rounds is "0": it must be a whole number from 1'],
    [["1e3"], 'rounds is "1e3": it must be a whole number from 1'],
    [[""], 'rounds is "": it must be a whole number from 1'],
    [["9007199254740993"], 'rounds is "9007199254740993": it must be a whole number from 1'],
    [["1", "2"], 'Unknown argument "2": npm run x takes rounds, --log-level'],
    [["--rounds=2"], 'Unknown argument "--rounds=2": npm run x takes rounds, --log-level'],
    [["--loglevel", "x"], 'Unknown argument "--loglevel": npm run x takes rounds, --log-level'],
    [["-x"], 'Unknown argument "-x": npm run x takes rounds, --log-level'],
    [["--log-level"], "--log-level has no value: write --log-level=<value>"],
    [["--log-level", "--tls"], "--log-level has no value: write --log-level=<value>"],
    [["--log-level=a", "--log-level=b"], '--log-level is given twice, as "a" and "b"'],
  ])("%j is refused in one line", (args, message) => {
    expect(read(args)).toEqual(refused(message));
  });

  test.each(["--help", "-h"])("%s explains it, whatever else is given", (help) => {
    const text = [
      "npm run x -- [rounds] [flags]",
      "  does x",
      "",
      "  rounds",
      "      how often (default: 7)",
      "  --log-level",
      "      how loud",
    ].join("\n");
    expect(read(["--nonsense", help])).toEqual({ kind: "help", text });
  });

  test("may end in as many words as are typed, flags among them", () => {
    const rest = { ...line, values: line.values.extend({ words: z.string() }), rest: "words" };
    const given = readCommandLine(rest, ["3", "a", "--log-level=debug", "b"], {});
    expect(given).toEqual(values({ rounds: 3, words: "a b", "log-level": "debug" }));
    expect(readCommandLine(rest, ["3", "--words=a"], {})).toEqual(
      refused('Unknown argument "--words=a": npm run x takes rounds, --log-level, words'),
    );
    const help = readCommandLine(rest, ["--help"], {});
    expect(help.kind === "help" && help.text).toContain(
      "npm run x -- [rounds] [words...] [flags]\n",
    );
  });

  test("has switches, which may stand alone", () => {
    const switches = { ...line, switches: ["log-level"] };
    const given = (...args: string[]) => readCommandLine(switches, args, {});
    const level = (text: string, rounds = 7) => values({ rounds, "log-level": text });
    expect(given("--log-level")).toEqual(level("true"));
    expect(given("--log-level", "false")).toEqual(level("false"));
    expect(given("--log-level=false")).toEqual(level("false"));
    expect(given("--log-level", "3")).toEqual(level("true", 3));
    expect(given("3", "--log-level", "true")).toEqual(level("true", 3));
    expect(given("--log-level", "--log-level")).toEqual(
      refused('--log-level is given twice, as "true" and "true"'),
    );
  });

  test("without npm needs no --, and npm keeps nothing of it", () => {
    const npx = { ...line, command: "npx x" };
    const help = readCommandLine(npx, ["-h"], {});
    expect(help.kind === "help" && help.text).toMatch(/^npx x \[rounds\] \[flags\]\n/);
    expect(readCommandLine(npx, [], { npm_config_rounds: "2" })).toEqual(values({ rounds: 7 }));
  });

  test("that npm kept flags from is refused", () => {
    const keeps = (name: string, example: string) =>
      refused(`npm kept --${name} for itself: put -- before it, as in npm run x -- ${example}`);
    const flag = { npm_config_log_level: "true" };
    expect(read(["debug"], flag)).toEqual(keeps("log-level", "--log-level=<value>"));
    expect(read([], { npm_config_rounds: "" })).toEqual(keeps("rounds", "<rounds>"));
  });

  test("does not mind what npm says of itself", () => {
    const env = { npm_config_user_agent: "npm", npm_config_cache: "/x", npm_config_log: undefined };
    expect(read([], env)).toEqual(values({ rounds: 7 }));
  });
});

/** Runs a script where it finds neither docker nor a shell, so that a mistake starts nothing. */
function run(script: string, args: readonly string[], env = {}) {
  const file = join(root, "script", script);
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const options = { env: { PATH: "/nowhere", ...env } };
    execFile(process.execPath, [file, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, stderr }),
    );
  });
}

describe.concurrent("a script", { timeout: 30_000 }, () => {
  test.each([
    ["soak.ts", ["--rounds=abc"], '--rounds is "abc": it must be a whole number from 1'],
    ["soak.ts", ["--seed", "-1"], '--seed is "-1": it must be a whole number from 0'],
    ["soak.ts", ["--write=yes"], '--write is "yes": it must be true or false'],
    ["versions.ts", ["1.22", "x"], 'versions is "1.22 x": it must be versions such as 1.22'],
    ["versions.ts", ["--write", "1.22"], '--write is "1.22": it must be true or false'],
    ["bench.ts", ["--runs", "0"], '--runs is "0": it must be a whole number from 1'],
    ["bench.ts", ["--ways", "bare,nope"], '--ways is "bare,nope": it must be names of variants'],
    [
      "up.ts",
      ["--server", "3"],
      'Unknown argument "--server": npm run up takes --cluster, --version',
    ],
    ["down.ts", ["a", "b"], 'Unknown argument "b": npm run down takes id'],
    ["up.ts", ["--tls", "yes"], 'Unknown argument "yes": npm run up takes --cluster'],
    ["up.ts", ["--format", "xml"], '--format is "xml": it must be one of text, env, json'],
    ["cli.ts", ["up", "-x"], 'Unknown argument "-x": npx consul-cluster-action up takes --cluster'],
    ["release-notes.ts", [], 'tag is "undefined": it must be given, such as v1.2.3'],
    ["repository.ts", ["x"], 'Unknown argument "x": npm run repository takes only --help'],
    ["package.ts", ["x"], 'Unknown argument "x": node script/package.ts takes only --help'],
    ["act.ts", ["nope"], 'job is "nope": it must be one of test, versions, job-container'],
    ["failover.ts", ["1"], 'Unknown argument "1": npm run failover takes only --help'],
    ["charts.ts", ["x"], 'Unknown argument "x": npm run charts takes only --help'],
    ["differences.ts", ["x"], 'Unknown argument "x": npm run differences takes only --help'],
    ["schema.ts", ["x"], 'Unknown argument "x": npm run schema takes only --help'],
    ["build.ts", ["x"], 'Unknown argument "x": npm run build takes only --help'],
    ["check.ts", ["x"], 'Unknown argument "x": npm run check takes only --help'],
  ])("%s refuses %j with exit code 2 and one line", async (script, args, message) => {
    const { code, stdout, stderr } = await run(script, args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^.+\n$/);
    expect(stderr).toContain(message);
  });

  test.each([
    ["soak.ts", ["--help"], "npm run soak -- [flags]\n"],
    ["versions.ts", ["--help"], "npm run versions -- [versions...] [flags]\n"],
    ["bench.ts", ["--runs", "0", "--help"], "npm run bench -- [flags]\n"],
    ["up.ts", ["-h"], "npm run up -- [flags]\n"],
    ["down.ts", ["-h"], "npm run down -- [id]\n"],
    ["cli.ts", ["down", "-h"], "npx consul-cluster-action down [id]\n"],
    ["cli.ts", ["--help"], "npx consul-cluster-action up [flags]\n"],
    ["act.ts", ["--help"], "npm run act -- [job] [flags]\n"],
    ["failover.ts", ["--help"], "npm run failover\n"],
  ])("%s explains itself for %j", async (script, args, begin) => {
    const { code, stdout, stderr } = await run(script, args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.startsWith(begin)).toBe(true);
  });

  test("up refuses a flag that npm kept", async () => {
    const { code, stderr } = await run("up.ts", [], { npm_config_tls: "true" });
    expect(code).toBe(2);
    expect(stderr).toContain("npm kept --tls for itself");
  });
});
