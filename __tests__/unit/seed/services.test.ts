import { describe, expect, test } from "vitest";
import type { CatalogService } from "../../../src/consul/answers.ts";
import { milliseconds, notSettled, registrationAgent } from "../../../src/seed/services.ts";

describe("a service has settled", () => {
  const found = (...checks: CatalogService["checks"]): CatalogService => ({
    node: "client-1",
    id: "web",
    checks,
  });
  const silent = { status: "critical", output: "" };
  const failed = { status: "critical", output: "connection refused" };
  const passing = { status: "passing", output: "" };
  const http = { http: "http://localhost", interval: "5s", timeout: "1s" };
  const ttl = { ttl: "1m" };

  test.each([
    ["without checks", {}, found(), 0],
    ["with a TTL check that waits for its first word", { check: ttl }, found(silent), 0],
    ["with a check that passes from the start", { check: http }, found(passing), 0],
    ["with a check that ran and failed", { Checks: [http, ttl] }, found(failed, silent), 0],
    ["with a check that fails without a word", { check: http }, found(silent), 6001],
  ])("%s", (_, definition, service, passed) => {
    expect(notSettled(definition, service, passed)).toBeUndefined();
  });

  test.each([
    ["before it is in the catalog", {}, undefined, "it is not in the catalog"],
    ["before its checks are", { check: ttl }, found(), "only 0 of its 1 checks are in the catalog"],
    ["before a check has run", { check: http }, found(silent), "1 of its checks have not run yet"],
    [
      "though another check may stay silent",
      { checks: [http, ttl] },
      found(silent, silent),
      "1 of its checks have not run yet",
    ],
  ])("but not %s", (_, definition, service, lacking) => {
    expect(notSettled(definition, service, 1000)).toBe(lacking);
  });
});

test.each([
  ["10s", 10_000],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  ["250ms", 250],
  [2e9, 2000],
  [undefined, 0],
])("a duration of %j is %d ms", (duration, expected) => {
  expect(milliseconds(duration)).toBe(expected);
});

describe("a service is registered with", () => {
  const agent = (node: string, role: "server" | "client", datacenter: string) => {
    return { node, role, datacenter };
  };
  const servers = [
    agent("east-server-1", "server", "east"),
    agent("west-server-1", "server", "west"),
  ];
  const all = [...servers, agent("west-client-1", "client", "west")];
  const more = [...all, agent("east-client-1", "client", "east")];

  test.each([
    ["the node that it names", "west-client-1", more, "west-client-1"],
    ["the first client of the primary", undefined, more, "east-client-1"],
    ["its first server where it has no client", undefined, all, "east-server-1"],
  ])("%s", (_, node, agents, expected) => {
    expect(registrationAgent({ node }, agents).node).toBe(expected);
  });
});
