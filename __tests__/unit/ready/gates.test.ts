import { describe, expect, test } from "vitest";
import { notHealthy, notSeenAlive } from "../../../src/fault/effect-gates.ts";
import { type Gate, raftIsSettled, syncGate } from "../../../src/ready/gates.ts";
import { agent, memberAnswers, type Peer, raftAnswer, withAnswers } from "../find/fixtures.ts";

describe("raft is settled when each of its peers is a member by ID and address, or is down", () => {
  const settled = (...peers: readonly Peer[]) =>
    withAnswers(
      {
        "/v1/agent/members": memberAnswers,
        "/v1/operator/raft/configuration": raftAnswer(["a", "server-1", "10.0.0.1"], ...peers),
      },
      (consul) => raftIsSettled(["10.0.0.4"]).look([{ ...agent("server-1"), consul }]),
    );

  test.each([
    ["another address", "b", "server-2", "10.0.0.9", "server-2 at 10.0.0.9 (ID b)"],
    ["another ID, of data that is gone", "x", "server-2", "10.0.0.2", "server-2 at 10.0.0.2"],
    ["no name", "y", "(unknown)", "10.0.0.8", "a server at 10.0.0.8 (ID y)"],
  ])("not with %s", async (_, id, node, ip, expected) => {
    expect((await settled([id, node, ip])).failing.join()).toContain(expected);
  });

  test("with a server that is down, though the leader has never seen it", async () => {
    const peers = [["b", "server-2", "10.0.0.2"] as const, ["d", "(unknown)", "10.0.0.4"] as const];
    expect((await settled(...peers)).failing).toEqual([]);
  });

  test("with raft protocol 2, where the address is the ID", async () => {
    expect((await settled(["10.0.0.2:8300", "server-2", "10.0.0.2"])).failing).toEqual([]);
  });
});

describe("no node is seen alive or healthy", () => {
  const hit = [agent("client-1")];
  const failing = (gate: Gate, answers: Readonly<Record<string, unknown>>) =>
    withAnswers(
      answers,
      async (consul) => (await gate.look([{ ...agent("server-1"), consul }])).failing,
    );

  test("by an agent that sees others, but not by one that sees nobody", async () => {
    const members = "/v1/agent/members";
    expect(await failing(notSeenAlive(hit), { [members]: memberAnswers })).toEqual([]);
    expect(await failing(notSeenAlive(hit), { [members]: [] })).toEqual([
      "server-1: it lists no member: it can't ask a server what the token may see",
    ]);
  });

  test("in a catalog that has others, but not in one that shows nobody", async () => {
    const passing = "/v1/health/state/passing";
    const check = { Node: "server-1", CheckID: "serfHealth" };
    expect(await failing(notHealthy(hit), { [passing]: [check] })).toEqual([]);
    expect(await failing(notHealthy(hit), { [passing]: [] })).toEqual([
      "server-1: no node healthy",
    ]);
  });
});

describe("agents have synced when their nodes are in the catalog with their own addresses", () => {
  const synced = (nodes: readonly object[]) =>
    withAnswers({ "/v1/catalog/nodes": nodes }, (consul) =>
      syncGate.look([agent("server-1"), agent("client-1")].map((each) => ({ ...each, consul }))),
    );
  const server = { Node: "server-1", TaggedAddresses: { lan: "10.0.0.2", wan: "10.0.0.2" } };

  test.each([
    ["not if the leader registered one", [server, { Node: "client-1", TaggedAddresses: null }]],
    ["not if one is missing", [server]],
  ])("%s", async (_, nodes) => {
    expect((await synced(nodes)).failing).toEqual([
      "server-1: not synced with the catalog: client-1",
    ]);
  });

  test("all of them", async () => {
    expect((await synced([server, { ...server, Node: "client-1" }])).failing).toEqual([]);
  });
});
