import { expect, test } from "vitest";
import { membersIn } from "../../../src/find/last-addresses.ts";

test("an agent's own list has each member's last address", () => {
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
