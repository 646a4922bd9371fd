import { describe, expect, test } from "vitest";
import { effectOf } from "../../../src/fault/effect.ts";
import type { FoundAgent } from "../../../src/find/existing-cluster.ts";
import type { FoundDatacenter } from "../../../src/find/raft.ts";
import { readyGates, wanGate } from "../../../src/ready/gates.ts";
import { announcedGate } from "../../../src/ready/legacy-acls.ts";
import { peeringGates } from "../../../src/ready/peerings.ts";
import { agent, dc1, names, raft, three, withAnswers } from "../find/fixtures.ts";

describe("the effect of a fault", () => {
  const effect = (
    action: Parameters<typeof effectOf>[0],
    nodes: string[],
    agents = three,
    now = raft,
  ) => {
    const hit = agents.filter(({ node }) => nodes.includes(node));
    return effectOf(action, hit, { datacenters: [dc1(agents, now)], addresses: new Map() });
  };

  test("with a quorum left, the others must see that it is gone", () => {
    const { what, asked } = effect("kill", ["server-1"]);
    expect([what, names(asked)]).toEqual([
      "server-1 is gone for all other agents",
      ["server-2", "server-3", "client-1"],
    ]);
  });

  test("without a quorum, no agent may report a leader, including isolated servers", () => {
    expect(effect("kill", ["server-1", "server-2"]).what).toBe("no agent reports a leader");
    expect(names(effect("isolate", ["server-1", "server-2"]).asked)).toContain("server-1");
  });

  test("an isolated server must notice too, unless it has the only vote and stays the leader", () => {
    const isolatedMustNotice = (node: string) =>
      effect("isolate", [node]).gates.some(({ name }) => name.includes("isolated servers"));
    expect(isolatedMustNotice("server-2")).toBe(true);
    expect(isolatedMustNotice("client-1")).toBe(false);
    const single = { leader: "server-1", voters: ["server-1"] };
    const agents = [agent("server-1"), agent("client-1")];
    expect(names(effect("isolate", ["server-1"], agents, single).asked)).toEqual(["client-1"]);
  });

  test("servers that leave take their votes with them, killed servers don't", () => {
    expect(effect("stop", ["server-1", "server-2"]).what).toContain("gone for all other agents");
    const two = { leader: "server-2", voters: ["server-2", "server-3"] };
    const agents = [agent("server-1", "stopped"), ...three.slice(1)];
    expect(effect("kill", ["server-2"], agents, two).what).toBe("no agent reports a leader");
  });

  test("a server that comes back while too few others are up makes no quorum", () => {
    const agents = [agent("server-1", "stopped"), agent("server-2", "stopped"), ...three.slice(2)];
    expect(effect("start", ["server-1"], agents).what).toBe("server-1 is back");
    const five = { leader: "", voters: [...raft.voters, "server-4", "server-5"] };
    expect(effect("start", ["server-1"], agents, five).what).toBe("no agent reports a leader");
  });
});

describe("what a fault's timeline has", () => {
  const watched = (action: Parameters<typeof effectOf>[0], ...nodes: string[]) => {
    const hit = three.filter(({ node }) => nodes.includes(node));
    const before = { datacenters: [dc1()], addresses: new Map<string, string>() };
    const { signs, led } = effectOf(action, hit, before).watched;
    return {
      signs: signs.map(({ event, gates }) => [event, ...gates.map(({ name }) => name)]),
      led: led.map(({ agents, leader }) => [leader, names(agents)]),
    };
  };
  const others = [["server-1", ["server-2", "server-3", "client-1"]]];

  test("the leader's successor, the first write, and when all see that it is gone", () => {
    const gone = ["detection", "no remaining agent sees server-1 alive"];
    expect(watched("kill", "server-1")).toEqual({ signs: [gone], led: others });
    expect(watched("stop", "server-1")).toEqual({ signs: [gone], led: others });
    expect(watched("isolate", "server-1")).toEqual({
      signs: [gone, ["no-leader", "isolated servers report no leader"]],
      led: others,
    });
  });

  test("without a quorum, when the last agent reports no leader", () => {
    expect(watched("kill", "server-1", "server-2")).toEqual({
      signs: [["no-leader", "no agent reports a leader"]],
      led: [],
    });
  });

  test("a new leader among those that are back", () => {
    expect(watched("restart", "server-1")).toEqual({
      signs: [],
      led: [["server-1", names(three)]],
    });
    expect(watched("remove-data", "server-1")).toEqual({ signs: [], led: [] });
  });
});

test("a node is back once everyone sees it alive, and Raft has it at its own address", () => {
  const agents = [agent("server-1", "stopped"), ...three.slice(1)];
  const { gates } = effectOf("start", agents.slice(0, 1), {
    datacenters: [dc1(agents)],
    addresses: new Map(),
  });
  expect(gates.map(({ name }) => name)).toEqual([
    "every agent sees every other agent alive",
    ...readyGates.slice(1).map(({ name }) => name),
    "Raft has only members, each with its own ID and address",
    announcedGate.name,
  ]);
});

test("a node is gone once no one sees it alive, as leader or in the catalog", () => {
  const hit = three.slice(0, 1);
  const before = { datacenters: [dc1()], addresses: new Map<string, string>() };
  expect(effectOf("kill", hit, before).gates.map(({ name }) => name)).toEqual([
    "all remaining agents agree on one leader, which is not an affected node",
    "no remaining agent sees server-1 alive",
    "the serfHealth of server-1 is critical, or the node is not in the catalog",
  ]);
  expect(effectOf("stop", hit, before).gates.map(({ name }) => name)).toContain(
    "every remaining agent sees that server-1 left",
  );
});

/** Names of the gates on peerings. */
const peered = peeringGates([
  { acceptor: "a", dialer: "b", accepting: [agent("server-1")], dialing: [agent("server-2")] },
]).map(({ name }) => name);

describe("with several datacenters", () => {
  const west = (state: "running" | "stopped", more: Partial<FoundAgent> = {}) => {
    const server = { ...agent("server-9", state), datacenter: "west", ...more };
    const now = { leader: state === "running" ? "server-9" : "", voters: ["server-9"] };
    return { name: "west", agents: [server], raft: now };
  };
  const startFirst = (...others: ReturnType<typeof west>[]) => {
    const agents = [agent("server-1", "stopped"), ...three.slice(1)];
    const datacenters = [dc1(agents), ...others];
    const hit = datacenters
      .flatMap((each) => each.agents)
      .filter(({ state }) => state === "stopped");
    return effectOf("start", hit, { datacenters, addresses: new Map() });
  };

  test("nodes that come back must see another datacenter, if that has a leader", () => {
    const named = (...others: Parameters<typeof startFirst>) =>
      startFirst(...others).gates.map(({ name }) => name);
    const leaderless = {
      ...west("running"),
      raft: { leader: "", voters: ["server-9", "server-8"] },
    };
    expect(named(leaderless)).toEqual(named());
    expect(named()).not.toContain(wanGate.name);
    expect(named(west("running"))).toEqual([...named(), wanGate.name]);
  });

  test("nodes can come back in all of them, each datacenter with its own gates", () => {
    const { what, asked, gates } = startFirst(west("stopped"));
    expect(what).toBe("server-1 is back; server-9 is back");
    expect(names(asked)).toEqual([...names(three), "server-9"]);
    const here = startFirst().gates.map(({ name }) => name);
    const own = here.filter((name) => name !== announcedGate.name);
    const joined = [announcedGate.name, wanGate.name];
    expect(gates.map(({ name }) => name)).toEqual([...own, ...own, ...joined]);
  });

  test("servers that only the primary datacenter can tell of the new ACLs wait for none without a leader", () => {
    const primary = {
      ...west("running"),
      raft: { leader: "", voters: ["server-9", "server-8"] },
    };
    const agents = [agent("server-1", "stopped"), ...three.slice(1)].map((each) => ({
      ...each,
      federation: "west",
    }));
    const named = (...datacenters: FoundDatacenter[]) => {
      const { gates } = effectOf("start", agents.slice(0, 1), {
        datacenters,
        addresses: new Map(),
      });
      return gates.map(({ name }) => name);
    };
    expect(named(dc1(agents), primary)).not.toContain(announcedGate.name);
    expect(named(dc1(agents), west("running"))).toContain(announcedGate.name);
  });

  test("peers must be peered again, and see each other's exports, and are not joined over WAN", () => {
    const named = (...others: Parameters<typeof startFirst>) =>
      startFirst(...others).gates.map(({ name }) => name);
    const peer = { federation: "west", dials: ["dc1"] };
    expect(named(west("running", peer))).toEqual([...named(), ...peered]);
    expect(named(west("running", { ...peer, dials: [] }))).toEqual(named());
    const leaderless = {
      ...west("running", peer),
      raft: { leader: "", voters: ["server-9", "s"] },
    };
    expect(named(leaderless)).toEqual(named());
    const here = named();
    const own = here.filter((name) => name !== announcedGate.name);
    const joined = [announcedGate.name, ...peered];
    expect(named(west("stopped", peer))).toEqual([...own, ...own, ...joined]);
  });

  test("whatever is gone, nobody waits for peerings", () => {
    const datacenters = [dc1(), west("running", { federation: "west", dials: ["dc1"] })];
    const { gates } = effectOf("kill", [agent("server-1")], { datacenters, addresses: new Map() });
    expect(gates.filter(({ name }) => peered.includes(name))).toEqual([]);
  });
});

test("a dead node is gone only once the state that DNS answers from no longer has it", async () => {
  const hit = three.filter(({ node }) => node === "client-1");
  const [dead, alive] = ["client-1", "server-1"].map((Node) => ({ Node, CheckID: "serfHealth" }));
  const verdictWith = (own: readonly unknown[]) =>
    withAnswers(
      { "/v1/health/state/passing": [alive], "/v1/health/state/passing?stale=": own },
      async (consul) => {
        const asked = three.map((each) => ({ ...each, consul }));
        const before = { datacenters: [dc1(asked, raft)], addresses: new Map<string, string>() };
        const { gates } = effectOf("kill", hit, before);
        const gate = gates.find(({ name }) => name.includes("serfHealth of client-1"));
        return gate?.look(asked);
      },
    );
  expect((await verdictWith([alive, dead]))?.failing).not.toEqual([]);
  expect((await verdictWith([alive]))?.failing).toEqual([]);
});
