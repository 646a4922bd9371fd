/** Whatever is written into the inputs: a spec or a clean message, and never another command line. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import type { ClusterSpec } from "../../../src/inputs/cluster-spec.ts";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";
import { agentRunArguments } from "../../../src/plan/container-arguments.ts";
import { type Prerequisites, planCluster } from "../../../src/plan/plan.ts";

const names = Object.keys(inputDefaults);

/** The odd ones that people write, besides what is arbitrary. */
const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  fc.string({ minLength: 5000, maxLength: 20_000 }),
  fc.constantFrom(
    "$(id)",
    "`id`",
    "; rm -rf /",
    "--privileged",
    "-1",
    "1.5",
    "1e3",
    "ä\u0000b",
    "\n::error::x",
    "😀",
  ),
  fc.integer().map(String),
);

const reader = (inputs: Readonly<Record<string, string>>) => (name: string) =>
  inputs[name] ?? inputDefaults[name] ?? "";

function parse(inputs: Readonly<Record<string, string>>): ClusterSpec | InputError {
  try {
    return parseInputs(reader(inputs)).spec;
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

const prerequisites: Prerequisites = {
  clusterId: "0a0a0a0a",
  jobLabels: {},
  image: { reference: "hashicorp/consul:1.8.7" },
  isOnNetwork: false,
  areNodeNamesTaken: false,
  devTurnsConnectOn: false,
  nodeImages: new Map(),
  freePorts: Array.from({ length: 120 }, (_, index) => 20_000 + index),
};

describe.each(names)("input %s", (name) => {
  test("is taken or refused with a message for that input alone", () => {
    fc.assert(
      fc.property(text, (value) => {
        const outcome = parse({ [name]: value });
        if (!(outcome instanceof InputError)) return;
        expect(outcome.problems.length).toBeGreaterThan(0);
        for (const problem of outcome.problems) {
          expect(problem.message).toMatch(/^(Inputs? `|input cluster:\d)/);
          expect(problem.message).not.toMatch(/[\n\r\0]/);
          expect(problem.message.length).toBeLessThan(1500);
        }
      }),
      { numRuns: 60 },
    );
  });
});

test("problems of several inputs are all reported at once", () => {
  const outcome = parse({
    servers: "-1",
    clients: "x",
    "http-port": "70000",
    timeout: "soon",
    image: "A B",
  });
  const inputs = outcome instanceof InputError ? outcome.problems.map(({ input }) => input) : [];
  expect(inputs.sort()).toEqual(["clients", "http-port", "image", "servers", "timeout"]);
});

test("config and env reach docker as one argument each, whatever is in them", () => {
  const withoutNul = text.filter((value) => !value.includes("\0"));
  fc.assert(
    fc.property(withoutNul, withoutNul, (config, value) => {
      const line = value.replaceAll(/[\r\n]/g, "");
      const spec = parse({ config, env: `NAME=${line}` });
      fc.pre(!(spec instanceof InputError));
      const plan = planCluster(spec, prerequisites);
      const [first] = plan.agents;
      if (!first) throw new Error("no agent");
      const plain = planCluster({ ...spec, config: "", env: new Map() }, prerequisites);
      const added = agentRunArguments(plan, first).filter(
        (argument) => !agentRunArguments(plain, first).includes(argument),
      );
      expect(added).toEqual([`--env=NAME=${line}`, ...(config === "" ? [] : [`-hcl=${config}`])]);
    }),
  );
});

test.each(["/consul/data", "/consul/data/", "//consul//data", "/consul/./data/../data/"])(
  "data in %s is kept in one volume",
  (folder) => {
    const spec = parse({ env: `CONSUL_DATA_DIR=${folder}`, servers: "1" });
    if (spec instanceof InputError) throw spec;
    const plan = planCluster(spec, prerequisites);
    const mounts = plan.agents.flatMap((agent) =>
      agentRunArguments(plan, agent).filter((argument) => argument.startsWith("--mount=")),
    );
    expect(mounts).toEqual([expect.stringContaining('"destination=/consul/data"')]);
  },
);

test.each([
  ["env", "A=1\nB", "line 2 is not NAME=value"],
  ["env", "A=1\nA=2", "line 2 sets A again"],
  [
    "env",
    'CONSUL_BIND_INTERFACE=eth0" }}',
    "line 1: CONSUL_BIND_INTERFACE must be the name of a network interface",
  ],
  ["env", "CONSUL_UID=abc", "line 1: CONSUL_UID must be a whole number"],
  ["env", "CONSUL_GID=-1", "line 1: CONSUL_GID must be a whole number"],
  ["env", "CONSUL_DATA_DIR=data", "line 1: CONSUL_DATA_DIR must be an absolute path"],
  ["env", "CONSUL_DATA_DIR=/", "line 1: CONSUL_DATA_DIR must be an absolute path"],
  ["network", "host", '`network` is "host"'],
  ["logs", "sometimes", "one of failure, always, never"],
])("%s: %j is refused saying %s", (name, value, words) => {
  const outcome = parse({ [name]: value });
  expect(outcome).toBeInstanceOf(InputError);
  expect(String(outcome)).toContain(words);
});
