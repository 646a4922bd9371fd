import { describe, expect, test } from "vitest";
import type { FoundAgent } from "../../../src/find/existing-cluster.ts";
import {
  datacenterFor,
  refuseMemory,
  refuseTooMany,
  refuseUnlessWhole,
  scaleWarnings,
} from "../../../src/scale/refusals.ts";
import { agent, three } from "../find/fixtures.ts";

const inDatacenter = (datacenter: string, agents: readonly FoundAgent[]) =>
  agents.map((each) => ({ ...each, datacenter }));

describe("the datacenter to scale", () => {
  const several = [...inDatacenter("east", three), ...inDatacenter("west", three)];

  test("is the one that is named, or the only one", () => {
    expect(datacenterFor(three, "")).toBe("dc1");
    expect(datacenterFor(several, "west")).toBe("west");
  });

  test("must be there, and one", () => {
    expect(() => datacenterFor(several, "")).toThrow(
      "A step scales one datacenter, and this cluster has several: set `datacenter` to one of east, west.",
    );
    expect(() => datacenterFor(several, "wets")).toThrow(
      'Input `datacenter` is "wets", but the cluster\'s datacenters are east, west. Did you mean `west`?',
    );
  });
});

test("a server that keeps its data in memory stays the only one", () => {
  const alone: FoundAgent[] = [{ ...agent("server-1"), storage: "memory" }, agent("client-1")];
  for (const servers of [undefined, 1])
    expect(() => refuseMemory(alone, { servers, clients: 9 })).not.toThrow();
  expect(() => refuseMemory(alone, { servers: 3, clients: undefined })).toThrow(
    /^Input `servers` is 3, but server-1 keeps its data in memory: .* Start the cluster with `storage: disk`\.$/,
  );
});

test("clients that the engines don't take are refused", () => {
  for (const [clients, engines] of [
    [undefined, 0],
    [100, 0],
    [300, 3],
  ] as const)
    expect(() => refuseTooMany({ servers: undefined, clients }, engines)).not.toThrow();
  expect(() => refuseTooMany({ servers: undefined, clients: 101 }, 0)).toThrow(
    'Input `clients` is "101": it must be a whole number from 0 to 100, or on several engines that many for each of them, and the cluster is on 1 engine.',
  );
  expect(() => refuseTooMany({ servers: undefined, clients: 301 }, 3)).toThrow("on 3 engines.");
});

test("nodes that are down or cut off are named", () => {
  expect(() => refuseUnlessWhole(three)).not.toThrow();
  const away = [agent("server-1"), agent("server-2", "stopped"), agent("client-1", "isolated")];
  expect(() => refuseUnlessWhole(away)).toThrow(
    "A cluster is scaled while every node is running, but server-2 is stopped, client-1 is isolated.",
  );
});

describe("warnings", () => {
  test("of an even number of servers that the datacenter did not have before", () => {
    expect(scaleWarnings(three, "dc1", { servers: 4, clients: 2 })).toEqual([
      "Input `servers` is 4, an even number: the quorum is 3, so the cluster tolerates 1 failed server, no more than with 3 servers.",
    ]);
    const two = [agent("server-1"), agent("server-2")];
    expect(scaleWarnings(two, "dc1", { servers: undefined, clients: 3 })).toEqual([]);
    expect(scaleWarnings(three, "dc1", { servers: 5, clients: undefined })).toEqual([]);
  });

  test("of more agents than Linux has room for by default", () => {
    const [warning, ...others] = scaleWarnings(three, "dc1", { servers: 3, clients: 40 });
    expect(warning).toContain("The cluster has 43 agents.");
    expect(others).toEqual([]);
  });
});
