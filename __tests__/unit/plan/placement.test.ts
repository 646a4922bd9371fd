import { expect, test } from "vitest";
import { nodesOf } from "../../../src/inputs/nodes.ts";
import { addressFromEnd, placeNodes } from "../../../src/plan/placement.ts";

const swarm = { engines: ["default", "a", "b"], subnet: "10.0.1.0/24" } as const;

test("servers are spread over engines first, then clients, and the first server is here", () => {
  const places = placeNodes(
    nodesOf([{ name: "dc1", federation: "dc1", servers: 3, clients: 4 }]),
    swarm,
  );
  expect(places.map(({ engine }) => engine)).toEqual([
    ...["default", "a", "b"],
    ...["default", "a", "b", "default"],
  ]);
  expect(places[0]).toEqual({ engine: "default", isHere: true, address: "10.0.1.254" });
  expect(places[1]).toEqual({ engine: "a", isHere: false, address: "10.0.1.253" });
});

test("each datacenter's servers are spread", () => {
  const shape = { servers: 2, clients: 0 };
  const nodes = nodesOf([
    { name: "dc1", federation: "dc1", ...shape },
    { name: "dc2", federation: "dc1", ...shape },
  ]);
  const places = placeNodes(nodes, swarm);
  expect(places.map(({ engine }) => engine)).toEqual(["default", "a", "default", "a"]);
  expect(new Set(places.map(({ address }) => address)).size).toBe(4);
});

test.each([
  ["10.0.1.0/24", 0, "10.0.1.254"],
  ["10.0.0.0/16", 300, "10.0.254.210"],
  ["192.168.0.128/25", 1, "192.168.0.253"],
] as const)("from the end of %s, number %i is %s", (subnet, index, address) => {
  expect(addressFromEnd(subnet, index)).toBe(address);
});
