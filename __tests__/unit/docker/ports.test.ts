import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePorts, includesPort, isTaken, rangeAbove } from "../../../src/docker/ports.ts";

test("free ports are different, and free for TCP and UDP", async () => {
  const ports = await freePorts(20, new Set());
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

test.each([
  ["of Linux", "32768\t60999\n", [61_000, 65_535]],
  ["that ends lower", "1024\t29999\n", [30_000, 65_535]],
  ["that leaves few ports above it", "15000\t64536\n", undefined],
  ["that leaves none", "1024\t65535\n", undefined],
  ["that is not known", "", undefined],
])("above the range %s, nobody gets a port by chance", (_, given, range) => {
  expect(rangeAbove(given)).toEqual(range);
});

test("free ports are above those that the kernel gives out", async () => {
  const [first = 0] =
    rangeAbove(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8")) ?? [];
  expect(Math.min(...(await freePorts(50, new Set())))).toBeGreaterThanOrEqual(first);
});

test("a port that is somebody's is not given, though it is free", async () => {
  const [first = 0, last = 0] =
    rangeAbove(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8")) ?? [];
  const only = [first + 7, first + 8];
  const range = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const kept = new Set(range.filter((port) => !only.includes(port)));
  expect((await freePorts(30, kept)).filter((port) => kept.has(port))).toEqual([]);
});

test("no ports are none", async () => {
  expect(await freePorts(0, new Set())).toEqual([]);
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

test.each([
  ["127.0.0.1:8500->8500/tcp, 127.0.0.1:8600->8600/udp", 8600, true],
  ["0.0.0.0:8500-8502->8500-8502/tcp, [::]:8500-8502->8500-8502/tcp", 8501, true],
  ["8500/tcp, 127.0.0.1:9500->8500/tcp", 8500, false],
  ["127.0.0.1:18500->18500/tcp", 8500, false],
  ["", 8500, false],
])("a container with the ports %j publishes %d: %s", (ports, port, does) => {
  expect(includesPort(ports, port)).toBe(does);
});
