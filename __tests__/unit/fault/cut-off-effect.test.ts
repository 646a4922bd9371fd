import { describe, expect, test } from "vitest";
import { cutOffEffect } from "../../../src/fault/cut-off-effect.ts";
import { agent, dc1, names, raft, three } from "../find/fixtures.ts";

/** Of a cluster with three servers and two clients. @param nodes - on the engine that is cut off */
function effect(nodes: readonly string[], datacenters = [dc1([...three, agent("client-2")])]) {
  const hit = datacenters
    .flatMap(({ agents }) => agents)
    .filter(({ node }) => nodes.includes(node));
  const { what, asked, gates, watched } = cutOffEffect(hit, { datacenters, addresses: new Map() });
  return {
    what,
    asked: names(asked),
    gates: gates.map(({ name }) => name),
    signs: watched.signs.map(({ event }) => event),
    led: watched.led.map(({ agents }) => names(agents)),
  };
}

describe("the effect of cutting an engine off", () => {
  test("without a quorum: the others go on, and its servers notice", () => {
    expect(effect(["server-2", "client-1"])).toEqual({
      what: "server-2, client-1 are gone for all other agents",
      asked: ["server-1", "server-3", "client-2"],
      gates: [
        "all remaining agents agree on one leader, which is not an affected node",
        "no remaining agent sees server-2 or client-1 alive",
        "the serfHealth of server-2, client-1 is critical, or the node is not in the catalog",
        "isolated servers report no leader",
      ],
      signs: ["detection", "no-leader"],
      led: [["server-1", "server-3", "client-2"]],
    });
  });

  test("with the quorum: its own agents have a leader among them, and the others none", () => {
    expect(effect(["server-1", "server-2", "client-1"])).toEqual({
      what: "server-1, server-2, client-1 have a leader among them; server-3, client-2 have none",
      asked: ["server-1", "server-2", "client-1", "server-3", "client-2"],
      gates: [
        "all agents of the side of server-1, server-2, client-1 agree on one leader among them",
        "no agent reports a leader",
      ],
      signs: ["no-leader"],
      led: [["server-1", "server-2", "client-1"]],
    });
  });

  test("with several datacenters: each by its own quorum", () => {
    const west = ["west-server-1", "west-client-1"].map((node) => ({
      ...agent(node),
      role: node === "west-server-1" ? ("server" as const) : ("client" as const),
      datacenter: "west",
    }));
    const datacenters = [
      dc1(three, raft),
      { name: "west", agents: west, raft: { leader: "west-server-1", voters: ["west-server-1"] } },
    ];
    const { what, led } = effect(["server-2", "west-server-1"], datacenters);
    expect(what).toBe(
      "west-server-1 stays the leader; west-client-1 has none; server-2 is gone for all other agents",
    );
    expect(led).toEqual([["west-server-1"], ["server-1", "server-3", "client-1"]]);
  });
});
