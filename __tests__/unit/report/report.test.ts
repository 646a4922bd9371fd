import { expect, test } from "vitest";
import { environmentOf, outputNames, outputsOf } from "../../../src/report/report.ts";
import { readyCluster } from "./fixtures.ts";

test("outputs are those of action.yml, nodes as JSON", () => {
  const { nodes, ...others } = outputsOf(readyCluster(1, 1), "/temp/consul-c0ffee00");
  expect(others).toEqual({
    "http-address": "http://127.0.0.1:8500",
    "http-token": "",
    "ca-cert": "",
    logs: "/temp/consul-c0ffee00",
    "dns-address": "127.0.0.1:8600",
    "grpc-address": "127.0.0.1:8502",
    leader: "server-1",
    network: "consul-c0ffee00",
    version: "2.1.0",
    datacenter: "dc1",
    datacenters: '[{"name":"dc1","http":"http://127.0.0.1:8500","leader":"server-1"}]',
    tokens: "[]",
    "cluster-id": "c0ffee00",
  });
  expect(JSON.parse(nodes)).toEqual([
    {
      name: "server-1",
      role: "server",
      datacenter: "dc1",
      container: "consul-c0ffee00-server-1",
      ip: "172.18.0.2",
      http: "http://127.0.0.1:8500",
    },
    {
      name: "client-1",
      role: "client",
      datacenter: "dc1",
      container: "consul-c0ffee00-client-1",
      ip: "172.18.0.3",
      http: "http://127.0.0.1:50001",
    },
  ]);
  expect(Object.keys({ ...others, nodes }).sort()).toEqual([...outputNames].sort());
});

test("the environment is what Consul's CLI and SDKs read", () => {
  expect(environmentOf(readyCluster(1, 0))).toEqual({
    CONSUL_HTTP_ADDR: "http://127.0.0.1:8500",
    CONSUL_GRPC_ADDR: "127.0.0.1:8502",
  });
});
