import { expect, test } from "vitest";
import type { Member } from "../../../src/consul/answers.ts";
import { ActionError } from "../../../src/errors.ts";
import { nothingSeen, type Seen } from "../../../src/report/evidence.ts";
import { startFailureText } from "../../../src/report/failure.ts";

const member = (node: string, ip: string, isAlive = true): Member => ({
  ...{
    node,
    ip,
    isAlive,
    hasLeft: false,
    hasLegacyAcls: false,
    isLeaving: false,
    hasFailed: !isAlive,
  },
  ...{ version: "2.1.0", id: node },
});
const [one, two, lone] = [
  member("server-1", "172.18.0.2"),
  member("server-2", "172.18.0.3"),
  member("client-2", "172.18.0.6"),
];
const inDc1 = { datacenter: "dc1", state: "running", leader: "" };
const seen: Seen = {
  secrets: ["top-secret"],
  nodes: [
    { ...inDc1, node: "server-1", members: [one, two], leader: "172.18.0.3:8300" },
    {
      ...{ ...inDc1, node: "server-2", leader: "10.9.9.9:8300" },
      members: [one, two, member("client-1", "172.18.0.5", false)],
    },
    { ...inDc1, node: "server-3", state: "exited with code 1", members: undefined },
    { ...inDc1, node: "client-1", members: "connect ECONNREFUSED 127.0.0.1:50004" },
    { ...inDc1, node: "client-2", members: [lone] },
  ],
};

test("a start that failed: what was missing, and who saw whom", () => {
  const quotes = [{ heading: "Not met for:", lines: ["server-1: not alive: server-3"] }];
  const error = new ActionError("Consul is not ready", "The cluster was not ready.", { quotes });
  expect(startFailureText(error, seen)).toBe(`### Consul did not start: Consul is not ready

\`\`\`text
The cluster was not ready.
Not met for:
  server-1: not alive: server-3
\`\`\`

What was last seen of each node:

| node | container | sees alive | does not see | leader it reports |
| --- | --- | --- | --- | --- |
| server-1 | running | 2 of 5 | server-3, client-1, client-2 | server-2 |
| server-2 | running | 2 of 5 | server-3, client-1, client-2 | \`10.9.9.9:8300\` |
| server-3 | exited with code 1 |  |  |  |
| client-1 | running | no answer: \`connect ECONNREFUSED 127.0.0.1:50004\` |  |  |
| client-2 | running | 1 of 5 (itself) | server-1, server-2, server-3, client-1 | none |
`);
});

test("with several datacenters, each node is expected to see those of its own", () => {
  const west = {
    ...inDc1,
    node: "west-1",
    datacenter: "west",
    members: [member("west-1", "172.18.0.9")],
  };
  const text = startFailureText(new Error("x"), { ...seen, nodes: [...seen.nodes, west] });
  expect(text).toContain("| node | datacenter | container |");
  expect(text).toContain("| west-1 | west | running | 1 of 1 |  | none |");
});

test("long lines are broken, quotes stay indented, and many lines are counted", () => {
  const words = Array.from({ length: 30 }, () => "another").join(" ");
  const quotes = [{ heading: "Log:", lines: [words, ...Array.from({ length: 70 }, () => "x")] }];
  const text = startFailureText(new ActionError("t", words, { quotes }), nothingSeen);
  const lines = text.split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(lines.filter((line) => line.startsWith("another another"))).toHaveLength(3);
  expect(lines.filter((line) => line.startsWith("  another another"))).toHaveLength(3);
  expect(text).toContain("… (17 more lines)");
  expect(text).not.toContain("What was last seen");
});

test("a secret in a message, such as in an agent's log, is not shown; nothing ends the box", () => {
  const quotes = [
    { heading: "Log:", lines: ["got top-secret", 'token = "abcdef"', "```", "</details>"] },
  ];
  const text = startFailureText(new ActionError("t", "e", { quotes }), seen);
  expect(text).not.toMatch(/top-secret|abcdef/);
  expect(text).toContain("````text\ne\nLog:\n  got ***\n");
});

test("a bug has its message", () => {
  expect(startFailureText(new TypeError("x is not a function"), nothingSeen)).toBe(
    "### Consul did not start: Bug in this action\n\n```text\nx is not a function\n```\n",
  );
});
