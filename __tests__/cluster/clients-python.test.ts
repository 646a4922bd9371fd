/** The Python client that Debian and Ubuntu package, set up as docs/clients.md describes it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Up, up } from "../support/cluster.ts";
import { run } from "../support/engine.ts";
import { laterEnvironment } from "../support/later-step.ts";

const services = `
services:
  - { name: web, node: client-1, port: 8080, check: { ttl: 1h, status: passing } }
  - { name: web, id: broken, node: server-1, port: 8081, check: { ttl: 1h, status: critical } }
`;

/** Everything that the client needs is in its environment. */
const script = `
import consul, json
client = consul.Consul()
assert client.kv.put("greeting", "hello")
_, pair = client.kv.get("greeting")
_, healthy = client.health.service("web", passing=True)
nodes = [(each["Node"]["Node"], each["Service"]["Port"]) for each in healthy]
print(json.dumps({"value": pair["Value"].decode(), "nodes": nodes}))
`;

/** What such a client finds in a later step: host and port without a scheme, and a CA for requests. */
function environment(cluster: Up): Record<string, string> {
  const { "http-host": host, "http-port": port, "ca-cert": ca = "" } = cluster.outputs;
  return {
    ...laterEnvironment(cluster),
    CONSUL_HTTP_ADDR: `${host}:${port}`,
    REQUESTS_CA_BUNDLE: ca,
  };
}

describe.each([
  ["an open cluster", {}],
  ["a cluster with ACLs and TLS", { acl: "true", tls: "true" }],
])("on %s", (_, security) => {
  let cluster: Up;
  beforeAll(async () => {
    cluster = await up({ servers: "1", clients: "1", cluster: services, ...security });
  });
  afterAll(() => cluster.down());

  test("python3-consul reads and writes keys, and finds a healthy service", async () => {
    // The system's own Python: another one on the path does not see the packages of apt.
    const { stdout } = await run("/usr/bin/python3", ["-c", script], { env: environment(cluster) });
    expect(JSON.parse(stdout)).toEqual({ value: "hello", nodes: [["client-1", 8080]] });
  });
});
