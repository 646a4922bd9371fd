import { describe, expect, test } from "vitest";
import type { HealthCheck, ServiceInstance } from "../../../src/consul/catalog.ts";
import {
  insteadOfCheck,
  insteadOfInstances,
  sightOfCheck,
  sightOfNode,
  sightOfService,
} from "../../../src/wait/health.ts";

const check = (status: string, more: Partial<HealthCheck> = {}): HealthCheck => ({
  ...{ node: "client-1", id: "service:web", name: "Service 'web' check", status },
  ...{ output: "", serviceId: "web" },
  ...more,
});
const asTheyAre = ({ output }: HealthCheck) => output;
const gossip = (status: string) =>
  check(status, { id: "serfHealth", name: "Serf Health Status", serviceId: "" });

const instance = (id: string, node: string, ...checks: HealthCheck[]): ServiceInstance => ({
  ...{ id, node, address: "10.0.0.7", port: 80, kind: "", checks },
});

describe("a service", () => {
  const good = instance("web-1", "client-1", gossip("passing"), check("passing"));
  const warning = instance("web-2", "client-2", gossip("passing"), check("warning"));
  const lost = instance("web-3", "client-3", gossip("critical"), check("passing"));
  const bare = instance("web-4", "client-4");

  test.each<[string, number, ServiceInstance[], boolean, string]>([
    ["is not there", 1, [], false, "no instance"],
    ["has none that passes", 1, [warning, lost], false, "0 of 1 instance passing"],
    ["has too few", 2, [good, warning], false, "1 of 2 instances passing"],
    ["has enough, whatever else it has", 1, [good, warning, lost], true, "1 instance passing"],
    ["has more, also without checks", 1, [good, bare], true, "2 instances passing"],
  ])("%s", (_, wanted, all, holds, seen) => {
    expect(sightOfService("web", wanted, all)).toMatchObject({ holds, seen });
  });

  test("tells where its passing instances are", () => {
    expect(sightOfService("web", 1, [good, warning]).instances).toEqual([
      { service: "web", id: "web-1", node: "client-1", address: "10.0.0.7", port: 80 },
    ]);
  });

  test("what is there instead: those that fail first, each with its reasons on one line", () => {
    const output = 'Get "http://10.0.0.7/":\n  connection refused';
    const refused = instance("web-2", "client-2", gossip("passing"), check("critical", { output }));
    expect(insteadOfInstances([good, refused, lost], asTheyAre)).toEqual([
      `web-2 on client-2: critical: Service 'web' check: Get "http://10.0.0.7/": connection refused`,
      "web-3 on client-3: critical: Serf Health Status",
      "web-1 on client-1: passing",
    ]);
  });
});

describe("a check", () => {
  test.each<[string, HealthCheck[], boolean, string]>([
    ["that no node has", [], false, "no such check"],
    ["of one node", [check("passing")], true, "passing"],
    ["that is a warning", [check("warning")], false, "warning"],
    ["of two nodes", [check("passing"), check("critical")], false, "1 of 2 passing"],
    ["that passes everywhere", [check("passing"), check("passing")], true, "2 of 2 passing"],
  ])("%s", (_, checks, holds, seen) => {
    expect(sightOfCheck(checks)).toEqual({ holds, seen });
  });

  test("what is there instead, by ID and by name", () => {
    const all = [gossip("passing"), check("critical", { output: "no route to host" })];
    const expected = ["service:web on client-1: critical: Service 'web' check: no route to host"];
    expect(insteadOfCheck("service:web", all, asTheyAre)).toEqual(expected);
    expect(insteadOfCheck("Service 'web' check", all, asTheyAre)).toEqual(expected);
    expect(insteadOfCheck("serfHealth", all, asTheyAre)).toEqual([]);
    expect(insteadOfCheck("serf_health", all, asTheyAre)).toEqual([
      "there is no such check; did you mean `serfHealth`?",
    ]);
  });
});

describe("a node", () => {
  test.each<[string, HealthCheck[] | undefined, boolean, string]>([
    ["that is not known", undefined, false, "not in the catalog"],
    ["without checks, as an external one may be", [], true, "healthy"],
    ["that gossip sees alive", [gossip("passing")], true, "healthy"],
    ["that gossip has lost", [gossip("critical")], false, "serfHealth critical"],
  ])("%s", (_, checks, holds, seen) => {
    expect(sightOfNode(checks)).toEqual({ holds, seen });
  });
});
