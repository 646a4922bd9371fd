import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { clustersLeft } from "../../../src/find/node-containers.ts";
import { exportedFor, staleVariables } from "../../../src/remove/environment.ts";
import { facts, fakeDocker } from "../find/fixtures.ts";

const secured = {
  http: ["https://127.0.0.1:8500", "https://127.0.0.1:40001"],
  grpc: ["127.0.0.1:8502", "127.0.0.1:40002"],
  token: "0b57",
  folder: "/temp/consul-c0ffee00",
};

/** As the main action exports it. */
const exported = {
  CONSUL_HTTP_ADDR: "https://127.0.0.1:8500",
  CONSUL_HTTP_TOKEN: "0b57",
  CONSUL_GRPC_ADDR: "https://127.0.0.1:8502",
  CONSUL_HTTP_SSL: "true",
  CONSUL_CACERT: "/temp/consul-c0ffee00/ca.pem",
  CONSUL_GRPC_CACERT: "/temp/consul-c0ffee00/ca.pem",
  CONSUL_CLIENT_CERT: "/temp/consul-c0ffee00/client-cert.pem",
  CONSUL_CLIENT_KEY: "/temp/consul-c0ffee00/client-key.pem",
};

describe("variables of a cluster that is gone", () => {
  test("are all that its start exported", () => {
    expect(staleVariables(secured, exported)).toEqual(Object.keys(exported));
  });

  test("are those that point at any of its nodes", () => {
    const env = { ...exported, CONSUL_HTTP_ADDR: "https://127.0.0.1:40001" };
    expect(staleVariables(secured, env)).toContain("CONSUL_HTTP_ADDR");
  });

  test.each<[string, Record<string, string>]>([
    ["CONSUL_HTTP_TOKEN", { CONSUL_HTTP_TOKEN: "another" }],
    ["CONSUL_CACERT", { CONSUL_CACERT: "/temp/consul-c0ffee00-logs/ca.pem" }],
    ["CONSUL_GRPC_ADDR", { CONSUL_GRPC_ADDR: "127.0.0.1:9502" }],
  ])("are not what has been set since: %s", (name, change) => {
    expect(staleVariables(secured, { ...exported, ...change })).toEqual(
      Object.keys(exported).filter((each) => each !== name),
    );
  });

  test("are not those of another cluster, which says with an address whether it has TLS", () => {
    const env = { CONSUL_HTTP_ADDR: "http://127.0.0.1:8600", CONSUL_HTTP_SSL: "false" };
    expect(staleVariables(secured, env)).toEqual([]);
  });

  test("are none where none is set, with ACLs or without", () => {
    const empty = Object.fromEntries(Object.keys(exported).map((name) => [name, ""]));
    for (const each of [secured, { ...secured, token: "" }]) {
      expect(staleVariables(each, {})).toEqual([]);
      expect(staleVariables(each, empty)).toEqual([]);
    }
  });
});

describe("what is left of a cluster", () => {
  const engine = `
echo "$*" >> calls
case "$1 $2" in
"ps --all") case "$*" in *Names*) echo node;; esac;;
"container inspect") cat facts;;
"volume ls") echo '["c0ffee00","default worker-1"]';;
"network ls") echo '["c0ffee00","default worker-1"]';;
"cp "*) echo "Error response from daemon: Could not find the file" >&2; exit 1;;
esac
`;
  const found = () => {
    const folder = fakeDocker(engine);
    const Labels = { ...facts.Config.Labels, "consul-cluster-action.role": "server" };
    const each = { ...facts, Config: { ...facts.Config, Labels } };
    writeFileSync(join(folder, "facts"), JSON.stringify([each]));
    return new Engine(new AbortController().signal, () => {});
  };

  test("is found even if it is only a network", async () => {
    expect(await clustersLeft(found(), "", { RUNNER_TEMP: "/temp" })).toEqual([
      { clusterId: "c0ffee00", engines: ["default", "worker-1"] },
    ]);
  });

  test("says what may have been exported", async () => {
    expect(await exportedFor(found(), "c0ffee00", { RUNNER_TEMP: "/temp" })).toEqual({
      http: ["http://127.0.0.1:8500"],
      grpc: ["consul-c0ffee00-server-1:8502"],
      token: "",
      folder: "/temp/consul-c0ffee00",
    });
  });
});
