import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { portsForNodes } from "../../../src/apply/node-ports.ts";
import { rangeAbove } from "../../../src/docker/ports.ts";
import { labelNames, portsFilter } from "../../../src/plan/labels.ts";

const [first = 0, last = 0] =
  rangeAbove(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8")) ?? [];

test("the ports of every cluster's nodes and forwarders stay theirs, whether they run or not", async () => {
  const kept = Array.from({ length: last - first - 10 }, (_, index) => first + index);
  const nodes = [kept.slice(0, 3), kept.slice(3), []].map((ports) => ports.join());
  const docker = {
    labeledContainers: async (filters: readonly string[], labels: readonly string[]) => {
      expect([filters, labels]).toEqual([[portsFilter], [labelNames.ports]]);
      return nodes.map((ports) => ({ name: "", values: [ports], command: "" }));
    },
  };
  const ports = await portsForNodes(docker, 20);
  expect(ports.filter((port) => kept.includes(port))).toEqual([]);
  expect(new Set(ports).size).toBe(20);
});

test("no ports need no question", async () => {
  const labeledContainers = () => Promise.reject(new Error("asked"));
  expect(await portsForNodes({ labeledContainers }, 0)).toEqual([]);
});
