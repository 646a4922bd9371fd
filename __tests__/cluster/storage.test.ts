import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Up, up } from "../support/cluster.ts";
import { httpGet } from "../support/consul.ts";
import { docker } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { needsUi } from "../support/needs.ts";

async function put(http: string, key: string): Promise<void> {
  const answer = await fetch(`${http}/v1/kv/${key}`, { method: "PUT", body: "1" });
  // An agent in -dev mode ends its JSON with a line feed.
  expect((await answer.text()).trim()).toBe("true");
}

/** Restarts a container and waits until its agent has a leader again. */
async function restart(container: string, http: string): Promise<void> {
  await docker("restart", "--time=1", container);
  const leader = () => httpGet(`${http}/v1/status/leader`).catch(() => "");
  while (!/\d/.test(await leader())) await sleep(50);
}

describe.each([
  { inputs: { servers: "1", clients: "1" }, isKept: false },
  { inputs: { servers: "1", storage: "disk" }, isKept: true },
])("one server with $inputs", ({ inputs, isKept }) => {
  let cluster: Up;
  beforeAll(async () => {
    cluster = await up(inputs);
  });
  afterAll(() => cluster.down());

  test("listens on every address, and logs at the level of the input", async () => {
    const [server] = cluster.nodes;
    expect(server?.ip).not.toBe("127.0.0.1");
    const log = await docker("logs", server?.container ?? "");
    // From 1.14 on, the list names the port for gRPC with TLS as well.
    expect(log).toMatch(
      /Client Addr: \[0\.0\.0\.0\] \(HTTP: 8500, HTTPS: -1, gRPC: 8502, (gRPC-TLS: \d+, )?DNS: 8600\)/,
    );
    expect(log).toContain(`Cluster Addr: ${server?.ip}`);
    expect(log).not.toContain("[DEBUG]");
  });

  test("has the UI", needsUi(), async () => {
    expect(await httpGet(`${cluster.outputs["http-address"]}/ui/`)).toContain("<title>Consul");
  });

  test(`answers ${isKept ? "compact" : "indented"} JSON, debug endpoints ${isKept ? "off" : "on"}`, async () => {
    const http = cluster.outputs["http-address"] ?? "";
    const text = await httpGet(`${http}/v1/catalog/datacenters`);
    expect(text.trimEnd()).toBe(isKept ? '["dc1"]' : '[\n    "dc1"\n]');
    const { status } = await fetch(`${http}/debug/pprof/cmdline`);
    // Refused with 401 by earlier versions, and 404 by later ones.
    expect(isKept ? [401, 404] : [200]).toContain(status);
  });

  test(`${isKept ? "keeps" : "forgets"} its keys when it is restarted`, async () => {
    const http = cluster.outputs["http-address"] ?? "";
    await put(http, "greeting");
    await restart(cluster.nodes[0]?.container ?? "", http);
    // A server that has just become the leader may answer before it has applied its own log, unless the
    // read is a consistent one.
    const status = await eventually(
      async () => (await fetch(`${http}/v1/kv/greeting?consistent`)).status,
      (status) => status !== 500,
    );
    expect(status).toBe(isKept ? 200 : 404);
  });
});

test("the log and the summary show how long each phase took", async () => {
  const { result, down } = await up({ servers: "1" });
  await down();
  for (const phase of ["process", "image", "network", "servers", "gossip", "election", "catalog"]) {
    const line = new RegExp(`^${phase} +from +\\d+\\.\\d\\d s +took +\\d+\\.\\d\\d s +█+$`, "m");
    expect(result.log).toMatch(line);
    expect(result.summary).toMatch(line);
  }
});
