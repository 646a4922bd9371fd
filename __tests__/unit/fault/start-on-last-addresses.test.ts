import { expect, test } from "vitest";
import { byAddress, membersIn } from "../../../src/fault/start-on-last-addresses.ts";
import { names, three } from "../find/fixtures.ts";

test("nodes start in the order of their addresses as numbers, one without a known one last", () => {
  const addresses = new Map([
    ["server-1", "10.0.0.10"],
    ["server-3", "10.0.0.9"],
  ]);
  expect(names(byAddress(three.slice(0, 3), addresses))).toEqual([
    "server-3",
    "server-1",
    "server-2",
  ]);
});

test("an agent's own list tells the address that each member had last", () => {
  const snapshot = `alive: server-1 172.28.0.2:8301
clock: 1
alive: client-1 fd00::5:8301
not-alive: server-1
event-clock: 1
alive: server-1 172.28.0.4:8301
`;
  expect(membersIn(snapshot)).toEqual([
    ["server-1", "172.28.0.2"],
    ["client-1", "fd00::5"],
    ["server-1", "172.28.0.4"],
  ]);
  expect(membersIn("")).toEqual([]);
});
