import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePorts, isTaken } from "../../../src/docker/ports.ts";

test("free ports are different, and free for TCP and UDP", async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  for (const port of ports) {
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
    const socket = createSocket("udp4").bind(port, "127.0.0.1");
    await once(socket, "listening");
    socket.close();
  }
});

test("no ports are none", async () => {
  expect(await freePorts(0)).toEqual([]);
});

test("a port is taken as long as somebody listens there", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  expect(await isTaken(address.port, "tcp")).toBe(true);
  server.close();
  await once(server, "close");
  expect(await isTaken(address.port, "tcp")).toBe(false);
});
