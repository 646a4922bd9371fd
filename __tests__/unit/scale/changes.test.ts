import { describe, expect, test } from "vitest";
import { type Change, type Current, changesTo, type Wanted } from "../../../src/scale/changes.ts";

const datacenter = (
  nodes: readonly string[],
  { leader = "server-1", name = "dc1", isOneOfSeveral = false } = {},
): Current => ({
  name,
  federation: "east",
  isOneOfSeveral,
  leader,
  nodes: nodes.map((node) => ({ node, role: node.includes("server") ? "server" : "client" })),
});

const wordsOf = (change: Change) =>
  change.kind === "add" ? `+${change.shape.node}` : `-${change.node}`;

const changes = (wanted: Partial<Wanted>, current: Current) =>
  changesTo({ servers: undefined, clients: undefined, ...wanted }, current)
    .map(wordsOf)
    .join(" ");

describe("what brings a datacenter to a size", () => {
  const three = ["server-1", "server-2", "server-3", "client-1", "client-2"];
  const ten = Array.from({ length: 10 }, (_, index) => `client-${index + 1}`);
  test.each<[string, Partial<Wanted>, Current, string]>([
    ["nothing, if it has that size", { servers: 3, clients: 2 }, datacenter(three), ""],
    ["a role that is not named stays", { clients: 2 }, datacenter(three), ""],
    ["new nodes take the next numbers", { clients: 4 }, datacenter(three), "+client-3 +client-4"],
    ["the first clients", { clients: 2 }, datacenter(["server-1"]), "+client-1 +client-2"],
    [
      "servers come before clients",
      { servers: 5, clients: 3 },
      datacenter(three),
      "+server-4 +server-5 +client-3",
    ],
    [
      "clients go before servers, the highest numbers first",
      { servers: 1, clients: 0 },
      datacenter(three),
      "-client-2 -client-1 -server-3 -server-2",
    ],
    [
      "of servers that go, the leader is last",
      { servers: 1 },
      datacenter(three, { leader: "server-3" }),
      "-server-2 -server-3",
    ],
    [
      "a leader that stays changes nothing",
      { servers: 2 },
      datacenter(three, { leader: "server-2" }),
      "-server-3",
    ],
    [
      "one role grows while the other shrinks",
      { servers: 4, clients: 1 },
      datacenter(three),
      "+server-4 -client-2",
    ],
    [
      "a gap is filled first",
      { clients: 3 },
      datacenter(["server-1", "client-2"]),
      "+client-1 +client-3",
    ],
    [
      "numbers are compared as numbers",
      { clients: 8 },
      datacenter(["server-1", ...ten]),
      "-client-10 -client-9",
    ],
  ])("%s", (_, wanted, current, expected) => {
    expect(changes(wanted, current)).toBe(expected);
  });

  test("with several datacenters, names begin with the datacenter's", () => {
    const several = { name: "west", isOneOfSeveral: true, leader: "west-server-1" };
    const west = datacenter(["west-server-1", "west-client-1"], several);
    const shape = { node: "west-client-2", federation: "east" };
    expect(changesTo({ servers: undefined, clients: 2 }, west)).toEqual([
      { kind: "add", shape: { ...shape, role: "client", datacenter: "west" } },
    ]);
    expect(changes({ clients: 0 }, west)).toBe("-west-client-1");
  });

  test("the first server never goes", () => {
    for (const leader of ["server-1", "server-2", "server-3"])
      expect(changes({ servers: 1, clients: 0 }, datacenter(three, { leader }))).not.toContain(
        "-server-1",
      );
  });
});
