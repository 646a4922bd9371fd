import { describe, expect, test } from "vitest";
import type { Consul } from "../../../src/consul/consul.ts";
import { ConsulError } from "../../../src/consul/http.ts";
import { notThere, oneLine, type Sight, summed, untilAll } from "../../../src/wait/condition.ts";
import { nodeCondition, serviceCondition } from "../../../src/wait/health.ts";
import { keyCondition } from "../../../src/wait/stored.ts";
import { agent, consulThatAnswers, memberAnswers } from "../find/fixtures.ts";

const few: Sight = { holds: false, seen: "1 of 2 instances passing" };
const enough: Sight = { holds: true, seen: "2 instances passing" };
const none: Sight = { holds: false, seen: "no instance" };
const answers = (...each: (readonly [string, Sight | ConsulError])[]) =>
  each.map(([node, answer]) => ({ node, answer }));

describe("what agents answer is summed up", () => {
  test.each<[string, ReturnType<typeof answers>, string, string[]]>([
    [
      "if all see the same",
      answers(["server-1", few], ["client-1", few]),
      "web: 1 of 2 instances passing",
      ["every agent: web: 1 of 2 instances passing"],
    ],
    [
      "if they differ: the status is that of the first that is not content",
      answers(["server-1", enough], ["client-1", few], ["client-2", none], ["client-3", few]),
      "web: 1 of 2 instances passing",
      ["client-1, client-3: web: 1 of 2 instances passing", "client-2: web: no instance"],
    ],
    [
      "if one does not answer",
      answers(["server-1", enough], ["client-1", new ConsulError("500 No cluster\nleader")]),
      "web: 500 No cluster leader",
      ["client-1: web: 500 No cluster leader"],
    ],
    [
      "if it is the only one",
      answers(["server-1", none]),
      "web: no instance",
      ["server-1: web: no instance"],
    ],
    [
      "if it holds",
      answers(["server-1", enough], ["client-1", enough]),
      "web: 2 instances passing",
      [],
    ],
  ])("%s", (_, all, status, failing) => {
    expect(summed("web", all)).toMatchObject({ status, failing });
  });
});

test.each<[string, string, string[], string]>([
  [
    "the name that was meant",
    "wep",
    ["consul", "web"],
    "there is no such service; did you mean `web`?",
  ],
  ["what there is", "x", ["consul", "web"], "there is no such service; there are consul, web"],
  ["that there is nothing", "x", [], "there is no service at all"],
  [
    "only some of many",
    "x",
    Array.from({ length: 12 }, (_, index) => `service-${index}`),
    "there is no such service; there are service-0, service-1, service-2, service-3, service-4, service-5, service-6, service-7, service-8, service-9, and 2 more",
  ],
])("for a name that is not there: %s", (_, name, known, expected) => {
  expect(notThere("service", name, known)).toBe(expected);
});

test("a text from outside is one line, and not too long", () => {
  expect(oneLine(" a\r\n\tb  c\n")).toBe("a b c");
  expect(oneLine("x".repeat(301))).toBe(`${"x".repeat(300)}…`);
});

describe("a wait", () => {
  /** What an agent answers, by path without its query. */
  type World = Readonly<Record<string, unknown>>;
  const web = (status: string, output = "") => [
    {
      Node: { Node: "client-1", Address: "10.0.0.1" },
      Service: { ID: "web-1", Address: "", Port: 80 },
      Checks: [
        {
          Node: "client-1",
          CheckID: "c",
          Name: "alive",
          Status: status,
          Output: output,
          ServiceID: "web-1",
        },
      ],
    },
  ];
  const lacking = { "/v1/agent/members": [], "/v1/catalog/services": { web: [], consul: [] } };

  /** An agent with this view; a path that it does not have is answered with 404. */
  const viewing = (world: (mode: string) => World): Promise<Consul> =>
    consulThatAnswers(({ url = "" }, response) => {
      const { pathname, search } = new URL(url, "http://agent");
      const mode = search.includes("consistent") ? "consistent" : "stale";
      const body = { ...lacking, ...world(mode) }[pathname];
      response.writeHead(body === undefined ? 404 : 200).end(JSON.stringify(body));
    });

  async function waited(
    conditions: Parameters<typeof untilAll>[0],
    ...worlds: ((mode: string) => World)[]
  ) {
    const agents = await Promise.all(
      worlds.map(async (world, index) => {
        return { ...agent(`server-${index + 1}`), consul: await viewing(world) };
      }),
    );
    const log: string[] = [];
    const wait = {
      timeout: 50,
      onChange: (line: string) => void log.push(line),
      signal: new AbortController().signal,
      failure: { title: "Timed out", summary: "It did not hold" },
    };
    const outcome = await untilAll(conditions, agents, wait).catch((error: Error) => error.message);
    return { log, outcome };
  }

  const service = serviceCondition("web", 1);
  const key = keyCondition({ key: "app/ready", value: undefined });
  const ready = [{ Key: "app/ready", Value: "eWVz" }];
  const good = { "/v1/health/service/web": web("passing"), "/v1/kv/app/ready": ready };

  test("ends when everything holds, with what is there", async () => {
    const { log, outcome } = await waited(
      [service, key],
      () => good,
      () => good,
    );
    expect(log).toEqual(["service web: 1 instance passing, key app/ready: set"]);
    const [instance] = [
      { service: "web", id: "web-1", node: "client-1", address: "10.0.0.1", port: 80 },
    ];
    expect(outcome).toEqual([
      { holds: true, seen: "1 instance passing", instances: [instance] },
      { holds: true, seen: "set", value: "yes" },
    ]);
  });

  test("times out with every condition, who sees what, and what is there instead", async () => {
    const bad = {
      "/v1/health/service/web": web("critical", "connection\nrefused"),
      "/v1/kv/": ["app/raedy"],
      "/v1/agent/members": memberAnswers.slice(0, 2),
    };
    const { outcome } = await waited(
      [service, key],
      () => bad,
      () => ({ ...bad, "/v1/health/service/web": [] }),
    );
    expect(outcome).toBe(
      [
        "It did not hold within 0.05 s (service web: 0 of 1 instance passing, key app/ready: not set). Condition not met: service web has 1 passing instance, and key app/ready is set, whichever agent is asked.",
        "Not met for:",
        "  server-1: service web: 0 of 1 instance passing",
        "  server-2: service web: no instance",
        "  every agent: key app/ready: not set",
        "What is there instead:",
        "  service web: web-1 on client-1: critical: alive: connection refused",
        "  key app/ready: there is no such key; did you mean `app/raedy`?",
        "Nodes that each agent sees alive:",
        "  server-1 sees server-2",
        "  server-2 sees server-1",
      ].join("\n"),
    );
  });

  test("quotes a check's newest output, from the agent that runs it", async () => {
    const [entry] = web("critical", "");
    const [check] = entry?.Checks ?? [];
    const own = { c: { ...check, Output: "no route to host" }, d: { ...check, CheckID: "d" } };
    const bad = { "/v1/health/service/web": web("critical", "") };
    const { outcome } = await waited(
      [service],
      () => bad,
      () => ({ ...bad, "/v1/agent/checks": own }),
    );
    expect(outcome).toContain(
      "\n  service web: web-1 on client-1: critical: alive: no route to host\n",
    );
  });

  test("goes on while one agent's consistent read, or one stale read, lacks it", async () => {
    const late = (lacks: string) => (mode: string) =>
      mode === lacks ? { "/v1/health/service/web": [] } : good;
    for (const mode of ["stale", "consistent"]) {
      const { outcome } = await waited([service], () => good, late(mode));
      expect(outcome).toContain("\n  server-2: service web: no instance\n");
    }
  });

  test("takes what is there instead from an agent that answers", async () => {
    const dead = () => ({ "/v1/catalog/node/client-9": "?" });
    const alive = () => ({
      "/v1/catalog/node/client-9": null,
      "/v1/catalog/nodes": [{ Node: "client-1" }],
    });
    const { outcome } = await waited([nodeCondition("client-9")], dead, alive);
    expect(outcome).toContain("  server-1: node client-9: unexpected answer to ");
    expect(outcome).toContain(
      "What is there instead:\n  node client-9: there is no such node; did you mean `client-1`?\n",
    );
  });
});
