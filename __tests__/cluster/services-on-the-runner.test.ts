/** A process on the runner is a service: agents check it, and clients find it and call it. */
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { portOf } from "../../script/engine/ports.ts";
import { nodeOf, type Up, up } from "../support/cluster.ts";
import { getJson, httpGet, resolveByUdp } from "../support/consul.ts";
import { engineHoldings } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { dockerWithoutHostGateway } from "../support/failures.ts";

const checksSchema = z.record(z.string(), z.object({ Status: z.string(), Output: z.string() }));

/** A web server on a free port of an address of this machine. */
async function webServer(address: string) {
  const server = createServer((_request, response) => response.end("hello")).listen(0, address);
  const port = await portOf(server);
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { port, stop };
}

describe("a service on the runner", () => {
  let cluster: Up;
  let host: string;
  const agent = () => cluster.outputs["client-address"] ?? "";

  beforeAll(async () => {
    cluster = await up({ servers: "1", clients: "1" });
    host = cluster.outputs["host-address"] ?? "";
  });
  afterAll(() => cluster.down());

  /** Registers a service whose check asks at this name. */
  async function register(name: string, port: number, checkedAt: string): Promise<void> {
    const Check = { HTTP: `http://${checkedAt}:${port}/`, Interval: "200ms", Timeout: "1s" };
    const body = JSON.stringify({ Name: name, Address: host, Port: port, Check });
    const url = `${agent()}/v1/agent/service/register`;
    expect((await fetch(url, { method: "PUT", body })).status).toBe(200);
  }

  /** Waits until the agent has run a service's check with this result, and with this in its output. */
  async function untilSays(name: string, status: string, output = ""): Promise<void> {
    const check = async () =>
      (await getJson(`${agent()}/v1/agent/checks`, checksSchema))[`service:${name}`];
    await eventually(check, (now) => {
      const said = now?.Output ?? "";
      return now?.Status === status && said !== "" && said.includes(output);
    });
  }

  test("is checked, found by DNS, and called, until it stops", async () => {
    const { port, stop } = await webServer(host);
    try {
      await register("web", port, host);
      await untilSays("web", "passing");
      const [address] = await eventually(
        () => resolveByUdp(nodeOf(cluster, "client-1").dns, "web.service.consul"),
        (addresses) => addresses.length === 1,
      );
      expect(address).toBe(host);
      expect(await httpGet(`http://${address}:${port}/`)).toBe("hello");
    } finally {
      stop();
    }
    // A check that the end of the server cut off says something else.
    await untilSays("web", "critical", "connection refused");
    await eventually(
      () => resolveByUdp(nodeOf(cluster, "client-1").dns, "web.service.consul"),
      (addresses) => addresses.length === 0,
    );
  });

  test("is checked by the name host.docker.internal, too", async () => {
    const { port, stop } = await webServer("0.0.0.0");
    try {
      await register("api", port, "host.docker.internal");
      await untilSays("api", "passing");
    } finally {
      stop();
    }
  });

  test("that listens on the loopback only can't be reached, and its check says so", async () => {
    const { port, stop } = await webServer("127.0.0.1");
    try {
      await register("local", port, host);
      await untilSays("local", "critical", "connection refused");
    } finally {
      stop();
    }
  });
});

test("an engine that has no address for the runner starts the cluster without", async () => {
  const before = await engineHoldings();
  const { env, remove } = dockerWithoutHostGateway();
  try {
    const { down, outputs, nodes, result } = await up({ servers: "1", clients: "1" }, { env });
    expect(nodes).toHaveLength(2);
    expect(outputs["host-address"]).toBe("");
    for (const { name } of nodes)
      expect(result.log).toContain(`${name} can't reach the runner: this engine has no address`);
    await down();
  } finally {
    remove();
  }
  expect(await engineHoldings()).toEqual(before);
});
