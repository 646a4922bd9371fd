import { once } from "node:events";
import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { Consul } from "../../../src/consul/consul.ts";
import { Docker } from "../../../src/docker/docker.ts";
import { leave } from "../../../src/fault/operations.ts";
import { agent, fakeDocker } from "../find/fixtures.ts";

test("an agent that refuses to leave fails the step at once, with its answer", async () => {
  const server = createServer((_, answer) => {
    answer.writeHead(403).end("Permission denied");
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close().closeAllConnections();
  });
  await once(server, "listening");
  const { port } = z.object({ port: z.number() }).parse(server.address());
  const consul = new Consul({ scheme: "http", address: `127.0.0.1:${port}` });
  // The agent runs on.
  fakeDocker("exec sleep 60");
  const docker = new Docker(new AbortController().signal, () => {});
  await expect(leave(docker, { ...agent("server-2"), consul }, 3000)).rejects.toThrow(
    "server-2 refused to leave: 403 Permission denied.",
  );
});
