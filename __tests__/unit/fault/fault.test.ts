import { once } from "node:events";
import { createServer } from "node:http";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { Consul } from "../../../src/consul/consul.ts";
import type { ContainerFacts } from "../../../src/docker/answers.ts";
import { effectOf } from "../../../src/fault/effect.ts";
import {
  faultInputDefaults,
  parseFaultInputs,
  type Target,
} from "../../../src/fault/fault-inputs.ts";
import { byAddress, membersIn } from "../../../src/fault/start-on-last-addresses.ts";
import { agentsMeant, resolveTarget } from "../../../src/fault/target.ts";
import type { FoundAgent, NodeState } from "../../../src/find/existing-cluster.ts";
import { isIsolated, markOf } from "../../../src/find/isolation-mark.ts";
import { hasQuorum, quorumOf } from "../../../src/find/raft.ts";
import { raftIsSettled } from "../../../src/ready/gates.ts";
import { isOlder, isSameVersion } from "../../../src/upgrade/image-version.ts";
import { refuseDowngrade } from "../../../src/upgrade/refusals.ts";
import { replacementArguments } from "../../../src/upgrade/replacement.ts";
import { inOrder } from "../../../src/upgrade/upgrade.ts";
import {
  parseUpgradeInputs,
  upgradeImages,
  upgradeInputDefaults,
} from "../../../src/upgrade/upgrade-inputs.ts";

const facts: ContainerFacts = {
  Id: "0123456789abcdef",
  Name: "consul-c0ffee00-server-1",
  Config: {
    Hostname: "server-1",
    Image: "hashicorp/consul:1.22",
    Env: ["PATH=/bin", "CONSUL_BIND_INTERFACE=eth0", "A=b=c"],
    Cmd: ["agent", '-hcl={"a": "$x"}'],
    Labels: { "image.label": "1", "consul-cluster-action.run": 'me/it "a", b' },
  },
  State: {
    Status: "running",
    Running: true,
    Paused: false,
    ExitCode: 0,
    OOMKilled: false,
    Error: "",
    StartedAt: "2026-01-01T00:00:00Z",
    FinishedAt: "0001-01-01T00:00:00Z",
  },
  Mounts: [{ Type: "volume", Name: "f00d", Destination: "/consul/data" }],
  HostConfig: {
    Memory: 0,
    PortBindings: {
      "8500/tcp": [{ HostIp: "127.0.0.1", HostPort: "8500" }],
      "8600/udp": [{ HostIp: "127.0.0.1", HostPort: "8600" }],
    },
  },
  NetworkSettings: {
    Networks: { net: { IPAddress: "10.0.0.2", Aliases: ["server-1", "0123456789ab"] } },
  },
};

function agent(node: string, state: NodeState = "running"): FoundAgent {
  const consul = new Consul({ scheme: "http", address: "127.0.0.1:1" });
  const role = node.startsWith("server") ? "server" : "client";
  const more = { datacenter: "dc1", ip: "10.0.0.2", facts, http: "http://127.0.0.1:1" };
  return { node, role, container: node, host: node, publications: [], state, consul, ...more };
}

const three = [agent("server-1"), agent("server-2"), agent("server-3"), agent("client-1")];
const raft = { leader: "server-1", voters: ["server-1", "server-2", "server-3"] };

const names = (agents: readonly FoundAgent[]) => agents.map(({ node }) => node);
const parse = (inputs: Readonly<Record<string, string>>) =>
  parseFaultInputs((name) => inputs[name] ?? faultInputDefaults[name] ?? "");

describe("the inputs of fault", () => {
  test.each<[string, Target]>([
    ["leader", { word: "leader" }],
    ["server-2", { names: ["server-2"] }],
    ["server-2, client-1\nserver-2", { names: ["server-2", "client-1"] }],
    ['["server-2","client-1"]', { names: ["server-2", "client-1"] }],
  ])("target %j", (target, expected) => {
    expect(parse({ action: "kill", target }).target).toEqual(expected);
  });

  test("without a target, nodes are brought back but none is broken", () => {
    expect(parse({ action: "start" }).target).toEqual({ all: true });
    expect(() => parse({ action: "kill" })).toThrow("`target` is empty");
  });

  test("every bad input is told at once", () => {
    expect(() => parse({ action: "shoot", target: "[1]", wait: "maybe" })).toThrow(
      /`action` is "shoot".*\n.*`target` is "\[1\]".*\n.*`wait` is "maybe"/,
    );
  });
});

describe("who is hit", () => {
  test.each([
    ["leader", ["server-1"]],
    ["follower", ["server-2"]],
    ["server", ["server-1"]],
    ["client", ["client-1"]],
    ["all-clients", ["client-1"]],
    ["minority", ["server-2"]],
    ["majority", ["server-2", "server-3"]],
  ] as const)("%s", (word, expected) => {
    expect(names(resolveTarget("kill", { word }, three, raft))).toEqual(expected);
  });

  test("a node in the wrong state, and a name that is none, are refused with what to do", () => {
    const agents = [agent("server-1", "stopped"), agent("server-2")];
    const kill = (name: string) => () => resolveTarget("kill", { names: [name] }, agents, raft);
    expect(kill("server-1")).toThrow('server-1 is stopped, and "kill" needs one that is running');
    expect(kill("server-9")).toThrow("the cluster's nodes are server-1, server-2");
    expect(() => resolveTarget("heal", { all: true }, agents, raft)).toThrow("means nobody");
  });

  test("a minority leaves a quorum and a majority does not, however many are away already", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(8), (count, awayWanted) => {
        const away = Math.min(awayWanted, count - quorumOf(count));
        const servers = Array.from({ length: count }, (_, i) =>
          agent(`server-${i + 1}`, i < count - away ? "running" : "paused"),
        );
        const now = { leader: "server-1", voters: names(servers) };
        const left = (word: "minority" | "majority") => {
          const hit = hitBy(() => names(resolveTarget("kill", { word }, servers, now)));
          const after = servers.map((each) =>
            hit.includes(each.node) ? agent(each.node, "stopped") : each,
          );
          return hasQuorum(after, now);
        };
        expect([left("minority"), left("majority")]).toEqual([true, false]);
      }),
    );
  });
});

describe("which datacenter is hit", () => {
  const inside = (datacenter: string, ...nodes: string[]) =>
    nodes.map((node) => ({ ...agent(node), datacenter }));
  const both = [
    ...inside("east", "east-server-1", "east-client-1"),
    ...inside("west", "west-server-1"),
  ];
  const meant = (datacenter: string, target: Target) =>
    names(agentsMeant(both, { datacenter, target }));

  test("the one that is named, or that of the nodes that are", () => {
    expect(meant("west", { word: "leader" })).toEqual(["west-server-1"]);
    expect(meant("", { names: ["east-client-1"] })).toEqual(["east-server-1", "east-client-1"]);
    expect(names(agentsMeant(three, { datacenter: "", target: { all: true } }))).toEqual(
      names(three),
    );
  });

  test("where several are left, or none has that name, all there are are told", () => {
    const names = ["east-client-1", "west-server-1"];
    for (const target of [{ word: "leader" }, { all: true }, { names }] as const)
      expect(() => meant("", target)).toThrow("by `datacenter`, one of east, west");
    expect(() => meant("north", { all: true })).toThrow(
      'is "north", but the cluster\'s datacenters are east, west',
    );
  });
});

/** Nobody, where the target means nobody. */
function hitBy(resolve: () => string[]): string[] {
  try {
    return resolve();
  } catch (error) {
    expect(String(error)).toContain('means "minority"');
    return [];
  }
}

describe("what a fault must lead to", () => {
  const hit = (...nodes: string[]) => three.filter(({ node }) => nodes.includes(node));
  const effect = (
    action: Parameters<typeof effectOf>[0],
    nodes: string[],
    agents = three,
    now = raft,
  ) => effectOf(action, hit(...nodes), agents, now);

  test("with a quorum left, the others are asked whether it is gone", () => {
    const { what, asked } = effect("kill", ["server-1"]);
    expect([what, names(asked)]).toEqual([
      "server-1 gone for the others",
      ["server-2", "server-3", "client-1"],
    ]);
  });

  test("without a quorum, that nobody reports a leader, isolated servers among them", () => {
    expect(effect("kill", ["server-1", "server-2"])).toMatchObject({ what: "no leader anywhere" });
    expect(names(effect("isolate", ["server-1", "server-2"]).asked)).toContain("server-1");
  });

  test("an isolated server notices too, unless it has the only vote: it leads on by itself", () => {
    expect(effect("isolate", ["server-2"]).gates).toHaveLength(4);
    expect(effect("isolate", ["client-1"]).gates).toHaveLength(3);
    const single = { leader: "server-1", voters: ["server-1"] };
    const agents = [agent("server-1"), agent("client-1")];
    expect(names(effect("isolate", ["server-1"], agents, single).asked)).toEqual(["client-1"]);
  });

  test("servers that leave take their votes with them, killed ones don't", () => {
    expect(effect("stop", ["server-1", "server-2"]).what).toContain("gone for the others");
    const two = { leader: "server-2", voters: ["server-2", "server-3"] };
    const agents = [agent("server-1", "stopped"), ...three.slice(1)];
    expect(effect("kill", ["server-2"], agents, two).what).toBe("no leader anywhere");
  });

  test("one that comes back while too few others are there brings no quorum", () => {
    const agents = [agent("server-1", "stopped"), agent("server-2", "stopped"), ...three.slice(2)];
    expect(effect("start", ["server-1"], agents).what).toBe("server-1 back");
    const five = { leader: "", voters: [...raft.voters, "server-4", "server-5"] };
    expect(effect("start", ["server-1"], agents, five).what).toBe("no leader anywhere");
  });
});

test("who comes back must see the other datacenters, where there are any that are led", () => {
  const back = (elsewhere: readonly FoundAgent[]) =>
    effectOf("start", three.slice(0, 1), three, raft, elsewhere).gates.length;
  expect(back([agent("west-server-1")])).toBe(back([]) + 1);
});

test("raft is settled when each of its peers is a member at that address, or known to be away", async () => {
  const answers: Record<string, unknown> = {
    "/v1/agent/members": ["server-1", "server-2"].map((Name, index) => {
      return { Name, Addr: `10.0.0.${index + 1}`, Status: 1, Tags: { build: "1.8.7" } };
    }),
    "/v1/operator/raft/configuration": {
      Index: 1,
      Servers: ["10.0.0.1", "10.0.0.9", "10.0.0.3"].map((ip, index) => {
        const Node = `server-${index + 1}`;
        return { Node, Address: `${ip}:8300`, Leader: false, Voter: true };
      }),
    },
  };
  const server = createServer(({ url = "" }, response) => {
    response.end(JSON.stringify(answers[url]));
  }).listen(0, "127.0.0.1");
  try {
    await once(server, "listening");
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const consul = new Consul({ scheme: "http", address: `127.0.0.1:${port}` });
    const { failing } = await raftIsSettled([agent("server-3", "stopped")]).look([
      { ...agent("server-1"), consul },
    ]);
    expect(failing).toEqual(["server-1: raft has server-2 at 10.0.0.9, which it is not"]);
  } finally {
    server.close().closeAllConnections();
  }
});

test("nodes start in the order of their addresses as numbers, one without a known one last", () => {
  const addresses = new Map([
    ["server-1", "10.0.0.10"],
    ["server-3", "10.0.0.9"],
  ]);
  expect(names(byAddress(three.slice(0, 3), addresses))).toEqual([
    "server-3",
    "server-1",
    "server-2",
  ]);
});

test("an agent's own list tells the address that each member had last", () => {
  const snapshot = `alive: server-1 172.28.0.2:8301
clock: 1
alive: client-1 fd00::5:8301
not-alive: server-1
event-clock: 1
alive: server-1 172.28.0.4:8301
`;
  expect(membersIn(snapshot)).toEqual([
    ["server-1", "172.28.0.2"],
    ["client-1", "fd00::5"],
    ["server-1", "172.28.0.4"],
  ]);
  expect(membersIn("")).toEqual([]);
});

test("a mark tells an isolated node, until that starts again", () => {
  const mark = markOf(facts);
  expect(isIsolated(facts, ["f00d", mark])).toBe(true);
  expect(isIsolated(facts, ["f00d"])).toBe(false);
  const later = { ...facts, State: { ...facts.State, StartedAt: "2026-01-01T00:00:01Z" } };
  expect(isIsolated(later, [mark])).toBe(false);
});

describe("upgrade", () => {
  test("the new container is the old one of another image", () => {
    const defaults = { env: ["PATH=/bin"], labels: { "image.label": "1" } };
    expect(replacementArguments(facts, defaults, "hashicorp/consul:2.1")).toEqual([
      "--name=consul-c0ffee00-server-1",
      "--hostname=server-1",
      "--network=net",
      "--network-alias=server-1",
      '--label=consul-cluster-action.run=me/it "a", b',
      '--mount="type=volume","source=f00d","destination=/consul/data"',
      "--publish=127.0.0.1:8500:8500/tcp",
      "--publish=127.0.0.1:8600:8600/udp",
      "--env=CONSUL_BIND_INTERFACE=eth0",
      "--env=A=b=c",
      "hashicorp/consul:2.1",
      "agent",
      '-hcl={"a": "$x"}',
    ]);
  });

  test("followers first, then the leader, then clients", () => {
    expect(names(inOrder([...three].reverse(), raft))).toEqual([
      "server-3",
      "server-2",
      "server-1",
      "client-1",
    ]);
  });

  test.each([
    ["1.22.0", "1.18.2", true],
    ["1.10.0", "1.9.17", true],
    ["1.8.7", "1.8.7-beta1", true],
    ["1.8.7", "1.8.7", false],
    ["1.8.7", "2.1.0", false],
    ["1.15.2", "1.15.2+ent", false],
  ])("from %s to %s is a downgrade: %s", (from, to, isDowngrade) => {
    const upgrade = (force: boolean) => () => refuseDowngrade(["1.0.0", from], to, force);
    if (isDowngrade) expect(upgrade(false)).toThrow(`runs Consul ${from}, and ${to} is older`);
    else expect(upgrade(false)).not.toThrow();
    expect(upgrade(true)).not.toThrow();
  });

  test("a member of a version that is none is neither older nor the same, and no crash", () => {
    expect([isOlder("unknown", "1.8.7"), isSameVersion("unknown", "1.8.7")]).toEqual([
      false,
      false,
    ]);
    expect(isSameVersion("1.18.3+ent", "1.18.3")).toBe(true);
  });

  test("the image is the one given, else the cluster's own of another tag", () => {
    const images = (inputs: Readonly<Record<string, string>>) =>
      upgradeImages(
        parseUpgradeInputs((name) => inputs[name] ?? upgradeInputDefaults[name] ?? ""),
        "localhost:5000/consul:1.18",
      );
    expect(images({ version: "2.1" })).toEqual(["localhost:5000/consul:2.1"]);
    expect(images({ image: "mine:7" })).toEqual(["mine:7"]);
    expect(images({ image: "mine", version: "7" })).toEqual(["mine:7"]);
    expect(() => images({})).toThrow("either `version`");
    expect(() => images({ image: "mine:7", version: "7" })).toThrow("either `version`");
  });
});
