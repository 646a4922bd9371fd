import { expect, test } from "vitest";
import { environmentOf, outputNames, outputsOf } from "../../../src/report/report.ts";
import { readyCluster } from "./fixtures.ts";

test("outputs are those of action.yml, nodes as JSON", () => {
  const { nodes, ...others } = outputsOf(readyCluster(1, 1), "/temp/consul-c0ffee00");
  expect(others).toEqual({
    "http-address": "http://127.0.0.1:8500",
    "http-host": "127.0.0.1",
    "http-port": "8500",
    "dns-host": "127.0.0.1",
    "dns-port": "8600",
    "client-address": "http://127.0.0.1:50001",
    "host-address": "172.17.0.1",
    "http-token": "",
    "ca-cert": "",
    "client-cert": "",
    "client-key": "",
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
      dns: "127.0.0.1:8600",
      grpc: "127.0.0.1:8502",
    },
    {
      name: "client-1",
      role: "client",
      datacenter: "dc1",
      container: "consul-c0ffee00-client-1",
      ip: "172.18.0.3",
      http: "http://127.0.0.1:50001",
      dns: "127.0.0.1:50002",
      grpc: "127.0.0.1:50003",
    },
  ]);
  expect(Object.keys({ ...others, nodes }).sort()).toEqual([...outputNames].sort());
});

test("without clients in the primary datacenter, the client address is the first server's", () => {
  const { nodes, ...rest } = readyCluster(1, 1);
  const elsewhere = nodes.map((node) =>
    node.role === "client" ? { ...node, datacenter: "dc2" } : node,
  );
  for (const cluster of [readyCluster(1, 0), { ...rest, nodes: elsewhere }])
    expect(outputsOf(cluster, "")["client-address"]).toBe("http://127.0.0.1:8500");
});

test("in a job container, hosts are names and ports those in the containers", () => {
  const addresses = { http: "server-1:8500", dns: "server-1:8600" };
  expect(outputsOf({ ...readyCluster(1, 0), ...addresses }, "")).toMatchObject({
    "http-host": "server-1",
    "http-port": "8500",
    "dns-host": "server-1",
    "dns-port": "8600",
  });
});

test("the environment is what Consul's CLI and SDKs read", () => {
  expect(environmentOf(readyCluster(1, 0), {})).toEqual({
    CONSUL_HTTP_ADDR: "http://127.0.0.1:8500",
    CONSUL_GRPC_ADDR: "127.0.0.1:8502",
  });
});

test("with TLS, the environment says so to every kind of client", () => {
  const cluster = { ...readyCluster(1, 0), caFile: "/temp/ca.pem" };
  expect(environmentOf({ ...cluster, credentials: { scheme: "https", ca: "PEM" } }, {})).toEqual({
    CONSUL_HTTP_ADDR: "https://127.0.0.1:8500",
    CONSUL_HTTP_SSL: "true",
    CONSUL_GRPC_ADDR: "https://127.0.0.1:8502",
    CONSUL_CACERT: "/temp/ca.pem",
    CONSUL_GRPC_CACERT: "/temp/ca.pem",
  });
});

test("with mutual TLS, outputs and environment have the job's own certificate", () => {
  const clientFiles = { certificate: "/temp/client-cert.pem", key: "/temp/client-key.pem" };
  const cluster = { ...readyCluster(1, 0), caFile: "/temp/ca.pem", clientFiles };
  expect(environmentOf(cluster, {})).toMatchObject({
    CONSUL_CLIENT_CERT: "/temp/client-cert.pem",
    CONSUL_CLIENT_KEY: "/temp/client-key.pem",
  });
  expect(outputsOf(cluster, "")).toMatchObject({
    "client-cert": "/temp/client-cert.pem",
    "client-key": "/temp/client-key.pem",
  });
});

test("without TLS, what an earlier step's cluster said about TLS is taken back", () => {
  const environment = environmentOf(readyCluster(1, 0), { CONSUL_HTTP_SSL: "true" });
  expect(environment.CONSUL_HTTP_SSL).toBe("false");
});
