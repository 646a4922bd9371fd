import { createServer } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { transactionOf } from "../../../src/consul/answers.ts";
import { Consul } from "../../../src/consul/consul.ts";
import { withAnswers } from "../find/fixtures.ts";

/** Answers every request with an error and records its URL. */
const urls: string[] = [];
const server = createServer(({ url = "" }, response) => {
  urls.push(url);
  response.writeHead(500).end();
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

test.each<[string, (consul: Consul) => Promise<unknown>]>([
  ["/v1/agent/members", (consul) => consul.members()],
  ["/v1/agent/members?wan=1", (consul) => consul.members("wan")],
  ["/v1/agent/join/10.0.0.2", (consul) => consul.join("10.0.0.2")],
  ["/v1/agent/join/10.0.0.2?wan=1", (consul) => consul.join("10.0.0.2", "wan")],
  ["/v1/operator/raft/configuration", (consul) => consul.raftPeers()],
  ["/v1/operator/raft/configuration?stale=", (consul) => consul.raftPeersAsKnown()],
  ["/v1/health/state/passing", (consul) => consul.healthyNodes()],
  ["/v1/health/state/passing?consistent=", (consul) => consul.healthyNodes("consistent")],
  ["/v1/health/state/passing?dc=east", (consul) => consul.healthyNodes("default", "east")],
  [
    "/v1/health/state/passing?consistent=&dc=east",
    (consul) => consul.healthyNodes("consistent", "east"),
  ],
  ["/v1/health/service/a%20b?dc=east", (consul) => consul.service("a b", "east")],
  ["/v1/health/service/a%20b?stale=", (consul) => consul.catalog.instances("a b", "stale")],
  ["/v1/catalog/services?stale=", (consul) => consul.catalog.serviceNames()],
  ["/v1/health/state/any?consistent=", (consul) => consul.catalog.checks("consistent")],
  ["/v1/agent/checks", (consul) => consul.catalog.ownChecks()],
  ["/v1/catalog/node/a%2Fb?stale=", (consul) => consul.catalog.nodeChecks("a/b", "stale")],
  ["/v1/catalog/nodes?stale=", (consul) => consul.catalog.nodeNames()],
  ["/v1/config/mesh/a%2Fb", (consul) => consul.configEntry("mesh", "a/b")],
  ["/v1/config/mesh/a?consistent=", (consul) => consul.configEntry("mesh", "a", "consistent")],
  ["/v1/config/mesh?stale=", (consul) => consul.configEntryNames("mesh")],
  ["/v1/catalog/node/a%20b?stale=", (consul) => consul.servicesOf("a b")],
  ["/v1/query?stale=", (consul) => consul.preparedQueries("stale")],
  ["/v1/query/1", (consul) => consul.setPreparedQuery({}, "1")],
  ["/v1/operator/autopilot/configuration", ({ operator }) => operator.setAutopilot({})],
  ["/v1/connect/ca/configuration", ({ operator }) => operator.ca()],
  ["/v1/connect/ca/roots", ({ operator }) => operator.caRoot("servers")],
  ["/v1/agent/connect/ca/roots", ({ operator }) => operator.caRoot("agent")],
  ["/v1/snapshot", ({ operator }) => operator.restore(Buffer.from("a"), 1000)],
  ["/v1/operator/features?stale=", (consul) => consul.operator.featureGates()],
  ["/v1/operator/feature/a%2Fb", (consul) => consul.operator.setFeatureGate("a/b", true)],
  [
    "/v1/kv/a/b%20c?flags=18446744073709551615",
    (consul) =>
      consul.kv.set({ key: "a/b c", value: Buffer.from(""), flags: "18446744073709551615" }),
  ],
  ["/v1/kv/?recurse=", (consul) => consul.kv.all()],
  ["/v1/kv/?keys=&stale=", (consul) => consul.kv.keys()],
  ["/v1/kv/a%3F/b%20c?stale=", (consul) => consul.kv.find("a?/b c", "stale")],
  [
    "/v1/health/service/web?stale=&peer=east",
    (consul) => consul.catalog.instances("web", "stale", "east"),
  ],
  ["/v1/kv/a?raw=&consistent=", (consul) => consul.kv.get("a")],
])("requests %s", async (url, request) => {
  urls.length = 0;
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no TCP address");
  const consul = new Consul({ scheme: "http", address: `127.0.0.1:${bound.port}` });
  await expect(request(consul)).rejects.toThrow("500");
  expect(urls).toEqual([url]);
});

test.each([
  [{ rack: "a" }, { rack: "a", "consul-version": "1.22.7" }, []],
  [{ rack: "a", zone: "z", "consul-network-segment": "" }, { rack: "b" }, ["rack", "zone"]],
  [{ rack: "a" }, undefined, ["rack"]],
  [undefined, undefined, []],
  [null, null, []],
])("of metadata %j and a catalog with %j, %j is not synced", async (own, known, missing) => {
  const answers = {
    "/v1/agent/self": { Config: {}, ...(own !== undefined && { Meta: own }) },
    "/v1/catalog/node/server-1":
      known === undefined ? null : { Node: { Meta: known }, Services: {} },
  };
  await withAnswers(answers, async (consul) => {
    expect(await consul.unsyncedMeta("server-1")).toEqual(missing);
  });
});

test("an agent that lists no member, not even itself, can't tell who is one", async () => {
  await withAnswers({ "/v1/agent/members": [] }, async (consul) => {
    await expect(consul.members()).rejects.toThrow("it can't ask a server what the token may see");
  });
});

test.each([[{ Port: 0 }], [{}]])(
  "of a service without a port, with %j, the port is 0",
  async (port) => {
    const Node = { Node: "client-1", Address: "10.0.0.4" };
    const answer = [{ Node, Service: { ID: "web-1", Address: "", ...port }, Checks: [] }];
    await withAnswers({ "/v1/health/service/web?stale=": answer }, async (consul) => {
      const web = { id: "web-1", node: "client-1", address: "10.0.0.4", port: 0, kind: "" };
      expect(await consul.catalog.instances("web", "stale")).toEqual([{ ...web, checks: [] }]);
    });
  },
);

test("a transaction has flags as they are, and none if they are the default", () => {
  const value = Buffer.from("x");
  const keys = [
    { key: 'a"}', value, flags: "18446744073709551615" },
    { key: "b", value, flags: "0" },
    { key: "c", value },
  ];
  expect(transactionOf(keys)).toBe(
    '[{"KV":{"Verb":"set","Key":"a\\"}","Value":"eA==","Flags":18446744073709551615}},' +
      '{"KV":{"Verb":"set","Key":"b","Value":"eA=="}},{"KV":{"Verb":"set","Key":"c","Value":"eA=="}}]',
  );
});
