import { expect, test } from "vitest";
import { byAddress } from "../../../src/fault/start-on-last-addresses.ts";
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
