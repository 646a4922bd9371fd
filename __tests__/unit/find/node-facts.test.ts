import { expect, test } from "vitest";
import { clusterEndpoint, labelOf } from "../../../src/find/node-facts.ts";
import { connectArguments } from "../../../src/find/other-networks.ts";
import { facts } from "./fixtures.ts";

const ipam = { IPv4Address: "10.9.0.9" };
const Networks = {
  app: {
    NetworkID: "a99",
    IPAddress: "10.9.0.9",
    Aliases: ["web", "0123456789ab"],
    IPAMConfig: ipam,
  },
  ...facts.NetworkSettings.Networks,
  zoo: { NetworkID: "299", IPAddress: "10.8.0.2", Aliases: null, IPAMConfig: {} },
};
const connected = { ...facts, NetworkSettings: { Networks } };

test("the cluster's network is the one in the label, by name or by ID, not the first", () => {
  expect(clusterEndpoint(connected)?.IPAddress).toBe("10.0.0.2");
  const Labels = { ...facts.Config.Labels, "consul-cluster-action.network": "4e7" };
  const byId = { ...connected, Config: { ...facts.Config, Labels } };
  expect(clusterEndpoint(byId)?.IPAddress).toBe("10.0.0.2");
  expect(connectArguments(byId)).toEqual(connectArguments(connected));
});

test("a node that was disconnected from the cluster's network has no address in it", () => {
  expect(clusterEndpoint({ ...facts, NetworkSettings: { Networks: {} } })).toBeUndefined();
});

test("other networks are connected again with the user's aliases and addresses", () => {
  expect(connectArguments(connected)).toEqual([
    ["--alias=web", "--ip=10.9.0.9", "app", facts.Name],
    ["zoo", facts.Name],
  ]);
});

test("a label that a container doesn't have is empty", () => {
  expect(labelOf(facts, "consul-cluster-action.primary")).toBe("");
});
