import { describe, expect, test } from "vitest";
import {
  agentsElsewhere,
  forwarderArguments,
  forwarderName,
  forwarderTrialArguments,
} from "../../../src/plan/forwarder.ts";
import type { AgentsPlan } from "../../../src/plan/plan.ts";
import { plan as planOf } from "./fixtures.ts";

/** Two servers on two engines. */
function planned(isNew = true): AgentsPlan {
  const { agents, ...plan } = planOf({ servers: "2" }, { "consul-cluster-action.run": "a b" });
  const places = [
    { engine: "default", isHere: true, address: "10.0.1.254" },
    { engine: "worker-1", isHere: false, address: "10.0.1.253" },
  ];
  const placed = agents.map((agent, index) => ({ ...agent, ...{ place: places[index] } }));
  return {
    ...plan,
    isNew,
    agents: placed.map(({ place, ...agent }) => ({ ...agent, ...(place && { place }) })),
  };
}

describe("the forwarder", () => {
  test("has the ports of the agents elsewhere, and rules that lead to them", () => {
    const plan = planned();
    expect(agentsElsewhere(plan.agents).map(({ node }) => node)).toEqual(["server-2"]);
    const args = forwarderArguments(plan, plan.agents);
    expect(args.filter((each) => each.startsWith("--publish="))).toEqual([
      "--publish=127.0.0.1:30001:30001/tcp",
      "--publish=127.0.0.1:30002:30002/tcp",
      "--publish=127.0.0.1:30002:30002/udp",
      "--publish=127.0.0.1:30003:30003/tcp",
    ]);
    expect(args.slice(args.indexOf("sh") + 1)).toEqual([
      "-A PREROUTING -p tcp --dport 30001 -j DNAT --to-destination 10.0.1.253:8500",
      "-A PREROUTING -p tcp --dport 30002 -j DNAT --to-destination 10.0.1.253:8600",
      "-A PREROUTING -p udp --dport 30002 -j DNAT --to-destination 10.0.1.253:8600",
      "-A PREROUTING -p tcp --dport 30003 -j DNAT --to-destination 10.0.1.253:8502",
      "-A POSTROUTING -j MASQUERADE",
    ]);
  });

  test("is an object of the cluster, and no node; its volumes are the cluster's, too", () => {
    const plan = planned();
    const args = forwarderArguments(plan, plan.agents);
    expect(args).toContain("--name=consul-0123abcd-forwarder");
    expect(args).toContain("--label=consul-cluster-action.cluster=0123abcd");
    expect(args).toContain("--label=consul-cluster-action.forwarder=true");
    expect(args.join(" ")).not.toContain("consul-cluster-action.node");
    expect(args.filter((each) => each.startsWith("--mount=") && each.includes("volume"))).toEqual([
      expect.stringContaining('"volume-label=consul-cluster-action.cluster=0123abcd"'),
    ]);
  });

  test("that leads to agents which come later has a name of its own", () => {
    const plan = planned(false);
    expect(forwarderName(plan, plan.agents)).toBe("consul-0123abcd-forwarder-server-2");
  });

  test("is tried out without a network of anybody", () => {
    const args = forwarderTrialArguments({ clusterId: "0123abcd", jobLabels: {} }, "consul");
    expect(args).toContain("--network=none");
    expect(args.join(" ")).not.toMatch(/--publish|exec tail|forwarder=true/);
  });
});
