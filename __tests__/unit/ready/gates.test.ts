import { once } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import * as z from "zod";
import { Consul } from "../../../src/consul/consul.ts";
import { raftIsSettled } from "../../../src/ready/gates.ts";
import { agent } from "../find/fixtures.ts";

test("raft is settled when each of its peers is a member at that address, or known to be away", async () => {
  const answers: Record<string, unknown> = {
    "/v1/agent/members": ["server-1", "server-2"].map((Name, index) => {
      return { Name, Addr: `10.0.0.${index + 1}`, Status: 1, Tags: { build: "1.8.7" } };
    }),
    "/v1/operator/raft/configuration": {
      Index: 1,
      Servers: ["10.0.0.1", "10.0.0.9", "10.0.0.3"].map((ip, index) => {
        const Node = `server-${index + 1}`;
        return { Node, Address: `${ip}:8300`, Leader: false, Voter: true };
      }),
    },
  };
  const server = createServer(({ url = "" }, response) => {
    response.end(JSON.stringify(answers[url]));
  }).listen(0, "127.0.0.1");
  try {
    await once(server, "listening");
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const consul = new Consul({ scheme: "http", address: `127.0.0.1:${port}` });
    const { failing } = await raftIsSettled([agent("server-3", "stopped")]).look([
      { ...agent("server-1"), consul },
    ]);
    expect(failing).toEqual(["server-1: raft has server-2 at 10.0.0.9, which it is not"]);
  } finally {
    server.close().closeAllConnections();
  }
});
