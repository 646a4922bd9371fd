import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { Consul } from "../../../src/consul/consul.ts";
import type { AgentClient } from "../../../src/ready/agents.ts";
import { progressLog, untilReady } from "../../../src/ready/wait.ts";
import { Timeline } from "../../../src/runner/timeline.ts";

/**
 * Pictures that a real cluster shows for moments only, held still here: what each agent answers is
 * written down. That real clusters come through all of this is for the tests on real clusters.
 */
interface Picture {
  readonly alive?: readonly string[];
  readonly leader?: string;
  readonly voters?: readonly string[];
  readonly healthy?: readonly string[];
  /** Healthy nodes that this server's own state does not have yet. */
  readonly unseen?: readonly string[];
}

const whole: Required<Picture> = {
  alive: ["server-1", "server-2", "client-1"],
  leader: "10.0.0.1:8300",
  voters: ["server-1", "server-2"],
  healthy: ["server-1", "server-2", "client-1"],
  unseen: [],
};

const patience = {
  timeout: 60_000,
  onChange: () => {},
  signal: new AbortController().signal,
} as const;

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close().closeAllConnections();
});

async function agent(node: string, picture: () => Picture): Promise<AgentClient> {
  const server = createServer(({ url = "" }, response) => {
    const { alive, leader, voters, healthy, unseen } = { ...whole, ...picture() };
    const member = (Name: string) => ({
      Name,
      Addr: "10.0.0.1",
      Tags: { build: "1.8.7:0e", id: Name },
    });
    const passing = [
      ...healthy.map((name) => ({ Node: name, CheckID: "serfHealth" })),
      { Node: "client-1", CheckID: "service:web" },
    ];
    const answers: Record<string, unknown> = {
      "/v1/agent/members": whole.alive.map((name) => ({
        ...member(name),
        Status: alive.includes(name) ? 1 : 4,
      })),
      "/v1/status/leader": leader,
      "/v1/operator/raft/configuration": {
        Index: 1,
        Servers: whole.voters.map((name) => ({
          Node: name,
          Address: "10.0.0.1:8300",
          ID: name,
          Leader: false,
          Voter: voters.includes(name),
        })),
      },
      "/v1/health/state/passing": passing,
      "/v1/health/state/passing?consistent=": passing,
      "/v1/health/state/passing?stale=": passing.filter(({ Node }) => !unseen.includes(Node)),
    };
    response.end(JSON.stringify(answers[url]));
  }).listen(0, "127.0.0.1");
  open.push(server);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  const role = node.startsWith("server") ? "server" : "client";
  const consul = new Consul({ scheme: "http", address: `127.0.0.1:${address.port}` });
  return { node, role, datacenter: "dc1", federation: "dc1", consul };
}

/** Waits for three agents that show these pictures; what is not said is as in a whole cluster. */
async function wait(
  pictures: Readonly<Record<string, () => Picture>>,
  timeout = 60,
  told = () => {},
) {
  const names = ["server-1", "server-2", "client-1"];
  const agents = await Promise.all(
    names.map((name) => agent(name, pictures[name] ?? (() => ({})))),
  );
  const log: string[] = [];
  const add = (line: string) => {
    log.push(line);
    told();
  };
  await untilReady(() => agents, false, { ...patience, timeout, onChange: add }, new Timeline());
  return log;
}

const whyNot = (pictures: Readonly<Record<string, () => Picture>>) =>
  wait(pictures).then(
    () => "",
    (error: Error) => error.message,
  );

test("a whole cluster is ready at the first look", async () => {
  expect(await wait({})).toEqual([
    "3 of 3 alive, one leader, 2 of 2 voting, 3 of 3 healthy in the catalog",
  ]);
});

test("every change of the picture is told once, until the last gate holds", async () => {
  const stages: Picture[] = [
    { alive: ["server-1"] },
    { leader: "" },
    { voters: ["server-1"] },
    { healthy: ["server-1"] },
  ];
  // What is told brings the next stage, so each stage is looked at.
  const told = () => void stages.shift();
  expect(await wait({ "server-1": () => stages[0] ?? {} }, 2000, told)).toEqual([
    "1 of 3 alive",
    "3 of 3 alive, agents disagree about the leader",
    "3 of 3 alive, one leader, 1 of 2 voting",
    "3 of 3 alive, one leader, 2 of 2 voting, 1 of 3 healthy in the catalog",
    "3 of 3 alive, one leader, 2 of 2 voting, 3 of 3 healthy in the catalog",
  ]);
});

test("a picture that stays is told once, however often it is looked at", async () => {
  const lone = await agent("server-1", () => ({ alive: [] }));
  const log: string[] = [];
  const onChange = (line: string) => void log.push(line);
  const wait = { ...patience, timeout: 200, onChange };
  await expect(untilReady(() => [lone], false, wait, new Timeline())).rejects.toThrow("not ready");
  expect(log).toEqual(["0 of 1 alive"]);
});

test("agents are not asked before all of them run", async () => {
  const asked: string[] = [];
  const started = Promise.withResolvers<void>();
  const watched = await agent("server-1", () => {
    asked.push("server-1");
    return { alive: ["server-1"], voters: ["server-1"], healthy: ["server-1"] };
  });
  const waiting = untilReady(
    () => [watched],
    false,
    { ...patience, after: started.promise },
    new Timeline(),
  );
  await sleep(100);
  expect(asked).toEqual([]);
  started.resolve();
  await waiting;
  expect(asked).not.toEqual([]);
});

test("an agent that is silent is named, with how long it was waited for", async () => {
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  open.push(silent);
  await once(silent, "listening");
  const { port } = z.object({ port: z.number() }).parse(silent.address());
  const consul = new Consul({ scheme: "http", address: `127.0.0.1:${port}` });
  const shape = { node: "server-1", role: "server", datacenter: "dc1" } as const;
  const lone = { ...shape, federation: "dc1", consul };
  const waiting = untilReady(() => [lone], false, { ...patience, timeout: 60 }, new Timeline());
  await expect(waiting).rejects.toThrow("\n  server-1: no answer within 2 s\n");
});

test("after 5 s without a change the log says once what is missing, and where", () => {
  const lines: string[] = [];
  const log = progressLog((line) => lines.push(line));
  const failing = ["server-1: connection refused"];
  for (const waited of [0, 4000, 5100, 9000, 60_000]) log("0 of 1 alive", failing, waited);
  log("1 of 1 alive, no leader", ["server-1: no leader"], 61_000);
  log("1 of 1 alive, no leader", ["server-1: no leader"], 67_000);
  expect(lines).toEqual([
    "0 of 1 alive",
    "still 0 of 1 alive (server-1: connection refused)",
    "1 of 1 alive, no leader",
    "still 1 of 1 alive, no leader (server-1: no leader)",
  ]);
});

describe("not ready is a cluster", () => {
  test("where one server sees a member as not alive", async () => {
    const message = await whyNot({ "server-2": () => ({ alive: ["server-1", "server-2"] }) });
    expect(message).toContain("not ready within 0.06 s (2 of 3 alive)");
    expect(message).toContain("Condition not met: every server sees every agent alive.\n");
    expect(message).toContain("\n  server-2: not alive: client-1\n");
    expect(message).not.toContain("  server-1:");
  });

  test("where nobody leads", async () => {
    const nobody = () => ({ leader: "" });
    const message = await whyNot({ "server-1": nobody, "server-2": nobody, "client-1": nobody });
    expect(message).toContain("(3 of 3 alive, no leader)");
    expect(message).toContain(
      "\n  server-1: no leader\n  server-2: no leader\n  client-1: no leader\n",
    );
  });

  test("where a client knows no leader, or another one", async () => {
    for (const leader of ["", "10.0.0.2:8300"]) {
      const message = await whyNot({ "client-1": () => ({ leader }) });
      expect(message).toContain("agents disagree about the leader");
      expect(message).toContain(`\n  client-1: ${leader || "no leader"}\n`);
    }
  });

  test("where a server has no vote yet", async () => {
    const message = await whyNot({ "server-1": () => ({ voters: ["server-1"] }) });
    expect(message).toContain("one leader, 1 of 2 voting)");
    expect(message).toContain(
      "every server is a Raft voter.\nNot met for:\n  server-1: not voting: server-2\n",
    );
  });

  test("where a node is not healthy in the catalog, asked through a client", async () => {
    const message = await whyNot({ "client-1": () => ({ healthy: whole.voters }) });
    expect(message).toContain("2 of 3 healthy in the catalog");
    expect(message).toContain("\n  client-1: not healthy in the catalog: client-1\n");
  });

  test("where a server's own state, which answers DNS, lags behind", async () => {
    const message = await whyNot({ "server-2": () => ({ unseen: ["client-1"] }) });
    expect(message).toContain("\n  server-2: not healthy in the catalog: client-1\n");
  });

  test("where an agent does not answer", async () => {
    const gone = await agent("server-1", () => ({}));
    for (const server of open.splice(0)) server.close().closeAllConnections();
    const waiting = untilReady(() => [gone], false, { ...patience, timeout: 60 }, new Timeline());
    await expect(waiting).rejects.toThrow("\n  server-1: connection refused\n");
  });
});

test("waiting ends when it is called off", async () => {
  const canceled = new AbortController();
  const lone = await agent("server-1", () => ({ alive: [] }));
  const onChange = () => canceled.abort();
  const { signal } = canceled;
  const waiting = untilReady(
    () => [lone],
    false,
    { ...patience, onChange, signal },
    new Timeline(),
  );
  await expect(waiting).rejects.toThrow(/abort/);
});
