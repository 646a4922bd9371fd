import { expect, test } from "vitest";
import { nodesOf } from "../../../src/inputs/nodes.ts";
import { freeAddresses, placeNodes } from "../../../src/plan/placement.ts";

const swarm = {
  engines: ["default", "a", "b"],
  subnet: "10.0.1.0/24",
  taken: new Set<string>(),
} as const;

const nodesIn = (name: string, servers: number, clients: number) =>
  nodesOf([{ name, federation: "dc1", servers, clients }]);

const enginesOf = (...args: Parameters<typeof placeNodes>) =>
  placeNodes(...args).map(({ engine }) => engine);

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

test("clients fill up engines that have fewer servers", () => {
  const nodes = nodesIn("dc1", 2, 2);
  expect(enginesOf(nodes, swarm)).toEqual(["default", "a", "b", "default"]);
});

test("each datacenter's servers are spread", () => {
  const nodes = ["dc1", "dc2"].flatMap((name) => nodesIn(name, 2, 0));
  const places = placeNodes(nodes, swarm);
  expect(places.map(({ engine }) => engine)).toEqual(["default", "a", "default", "a"]);
  expect(new Set(places.map(({ address }) => address)).size).toBe(4);
});

test("nodes that come later go where a start would have put them", () => {
  const all = nodesIn("dc1", 5, 0);
  const atStart = enginesOf(all, swarm);
  const present = all.slice(0, 3).map((node, index) => ({ ...node, engine: atStart[index] ?? "" }));
  expect(enginesOf(all.slice(3), swarm, present)).toEqual(atStart.slice(3));
  // An engine that lost a server gets the next.
  const without = present.filter(({ engine }) => engine !== "b");
  expect(enginesOf(all.slice(3), swarm, without)).toEqual(["b", "default"]);
});

test("servers of others don't count, and clients count for clients only", () => {
  const [next] = nodesIn("dc1", 1, 0);
  const nodes = next ? [next] : [];
  const present = [
    { role: "client", datacenter: "dc1", engine: "default" },
    { role: "server", datacenter: "dc2", engine: "default" },
    { role: "server", datacenter: "dc1", engine: "a" },
  ] as const;
  expect(enginesOf(nodes, swarm, present)).toEqual(["default"]);
  const client = nodesIn("dc1", 0, 1);
  expect(enginesOf(client, swarm, present)).toEqual(["b"]);
});

test("addresses that are taken are left out", () => {
  const taken = new Set(["10.0.1.254", "10.0.1.252"]);
  const places = placeNodes(nodesIn("dc1", 2, 0), {
    ...swarm,
    taken,
  });
  expect(places.map(({ address }) => address)).toEqual(["10.0.1.253", "10.0.1.251"]);
});

test.each([
  ["10.0.1.0/24", ["10.0.1.254", "10.0.1.253"]],
  ["10.0.0.0/16", ["10.0.255.254", "10.0.255.253"]],
  ["192.168.0.128/25", ["192.168.0.254", "192.168.0.253"]],
  // Network, gateway, and broadcast are not free.
  ["192.168.0.4/30", ["192.168.0.6"]],
  ["192.168.0.4/31", []],
] as const)("free addresses come from the end of %s", (subnet, addresses) => {
  expect(freeAddresses(subnet, new Set(), 2)).toEqual(addresses);
});

test("addresses go on over a byte", () => {
  const free = freeAddresses("10.0.0.0/16", new Set(), 300);
  expect(free.at(-1)).toBe("10.0.254.211");
});
