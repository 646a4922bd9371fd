import { expect, test } from "vitest";
import { betweenDatacenters, peersOf } from "../../../src/find/between-datacenters.ts";
import { agentIn } from "../../../src/find/existing-cluster.ts";
import { agent, facts } from "./fixtures.ts";

test("peerings are known by the labels of nodes, each once", () => {
  const labels = {
    "consul-cluster-action.dials": "east,north",
    "consul-cluster-action.datacenter": "west",
  };
  const labeled = {
    ...facts,
    Config: { ...facts.Config, Labels: { ...facts.Config.Labels, ...labels } },
  };
  const west = agentIn(labeled, { scheme: "http" });
  const east = agentIn(facts, { scheme: "http" });
  expect([west.dials, east.dials]).toEqual([["east", "north"], []]);
  expect(peersOf([east, west, west])).toEqual([
    { acceptor: "east", dialer: "west" },
    { acceptor: "north", dialer: "west" },
  ]);
});

test("one datacenter, or one with peers that are down, has nothing to wait for", () => {
  expect(betweenDatacenters([agent("server-1")])).toEqual([]);
  expect(betweenDatacenters([{ ...agent("server-1"), dials: ["east"] }])).toEqual([]);
});
