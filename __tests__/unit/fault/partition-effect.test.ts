import { describe, expect, test } from "vitest";
import { alive, left } from "../../../src/consul/answers.ts";
import { aliveExactly, leaderWithin, outOfReach } from "../../../src/fault/effect-gates.ts";
import { partitionEffect } from "../../../src/fault/partition-effect.ts";
import type { FoundAgent } from "../../../src/find/existing-cluster.ts";
import { agent, consulThatAnswers, dc1, names, three, withAnswers } from "../find/fixtures.ts";

const of = (...wanted: string[]) => three.filter(({ node }) => wanted.includes(node));

describe("the effect of a partition", () => {
  const gatesOf = (...sides: FoundAgent[][]) =>
    partitionEffect(sides, { datacenters: [dc1()] }).gates.map(({ name }) => name);

  test("the side with a quorum has a leader, the other none, and each sees only itself", () => {
    expect(gatesOf(of("server-1"), of("server-2", "server-3", "client-1"))).toEqual([
      "no agent reports a leader",
      "each agent of the side of server-1 sees alive exactly this side",
      "all agents of the side of server-2, server-3, client-1 agree on one leader among them",
      "the serfHealth of server-1 is critical, or the node is not in the catalog",
      "each agent of the side of server-2, server-3, client-1 sees alive exactly this side",
    ]);
  });

  test("without a quorum on any side, there is no leader", () => {
    const gates = gatesOf(of("server-1"), of("server-2", "client-1"), of("server-3"));
    expect(gates.filter((name) => name === "no agent reports a leader")).toHaveLength(3);
  });

  test("nodes that are down are not asked, and a vote that is down counts for no side", () => {
    const agents = [...three.slice(0, 1), agent("server-2", "paused"), ...three.slice(2)];
    const sides = [agents.slice(0, 1), agents.slice(1)];
    const { asked, gates, what } = partitionEffect(sides, { datacenters: [dc1(agents)] });
    expect(names(asked)).toEqual(["server-1", "server-3", "client-1"]);
    expect(what).toBe("each agent sees only its own side: server-1 | server-3, client-1");
    expect(gates.filter(({ name }) => name === "no agent reports a leader")).toHaveLength(2);
  });

  test("the timeline has the new leader, the rest's loss of it, and when all sides are apart", () => {
    const [first, second] = [of("server-1"), of("server-2", "server-3", "client-1")];
    const { signs, led } = partitionEffect([first, second], { datacenters: [dc1()] }).watched;
    expect(signs.map(({ event, gates }) => [event, gates.length])).toEqual([
      ["no-leader", 1],
      ["detection", 2],
    ]);
    expect(led.map(({ agents, leader }) => [leader, names(agents)])).toEqual([
      ["server-1", names(second)],
    ]);
  });

  test("a datacenter that is wholly on another side is out of reach", () => {
    const west = [{ ...agent("server-9"), datacenter: "west" }];
    const raft = { leader: "server-9", voters: ["server-9"] };
    const datacenters = [dc1(), { name: "west", agents: west, raft }];
    expect(partitionEffect([three, west], { datacenters }).gates.map(({ name }) => name)).toEqual([
      "no catalog query for west succeeds from another side",
      "no catalog query for dc1 succeeds from another side",
    ]);
  });
});

const member = (Name: string, Status = alive) => {
  return { Name, Addr: "10.0.0.1", Status, Tags: { build: "1.8.7", id: Name } };
};

test.each([
  [[member("server-1"), member("client-1")], []],
  [[member("server-1"), member("client-1"), member("server-2", left)], []],
  [[member("server-1")], ["server-1: not alive: client-1"]],
  [
    [member("server-1"), member("client-1"), member("server-2")],
    ["server-1: still alive: server-2"],
  ],
])("an agent that sees %j is apart but for %j", async (members, failing) => {
  const verdict = await withAnswers({ "/v1/agent/members": members }, (consul) =>
    aliveExactly(of("server-1", "client-1")).look(
      of("server-1").map((each) => ({ ...each, consul })),
    ),
  );
  expect(verdict.failing).toEqual(failing);
});

test("the leader of a side is on that side", async () => {
  const side = [{ ...agent("server-2"), ip: "10.0.0.2" }];
  const look = (leader: string) =>
    withAnswers({ "/v1/status/leader": leader }, (consul) =>
      leaderWithin(side).look(side.map((each) => ({ ...each, consul }))),
    );
  expect((await look("10.0.0.2:8300")).failing).toEqual([]);
  expect((await look("10.0.0.1:8300")).failing).toEqual(["server-2: still 10.0.0.1:8300"]);
  expect((await look("")).failing).not.toEqual([]);
});

test("another datacenter is out of reach once queries for it fail", async () => {
  const look = async (status: number) => {
    const consul = await consulThatAnswers((_, answer) => answer.writeHead(status).end("[]"));
    return outOfReach("west").look([{ ...agent("server-1"), consul }]);
  };
  expect((await look(500)).failing).toEqual([]);
  expect((await look(200)).failing).toEqual(["server-1: gets an answer from west"]);
});
