import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { agentRunArguments } from "../../../src/plan/container-arguments.ts";
import { jobLabels } from "../../../src/plan/labels.ts";
import {
  type AgentPlan,
  addressOf,
  type ClusterPlan,
  freePortsNeeded,
  networkArguments,
  planCluster,
  withOtherPorts,
} from "../../../src/plan/plan.ts";
import { argumentsOf, prerequisites, specOf } from "./fixtures.ts";

/** Text that a workflow could contain, rich in characters special to the shell or docker. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom(..."-=,;\"'`$(){}|&<> \\/:@#\t".split("")) }),
  fc.constantFrom("--privileged", "--volume=/:/host", "-hcl", "$(id)", "; rm -rf /", "&& id"),
);
const lineOfText = text.map((line) => line.replaceAll(/[\r\n\0]/g, ""));

const userText = fc.record({
  config: text.map((config) => config.replaceAll("\0", "")),
  env: fc.dictionary(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,9}$/), lineOfText, { maxKeys: 4 }),
  run: lineOfText,
  servers: fc.integer({ min: 1, max: 5 }),
  clients: fc.integer({ min: 0, max: 5 }),
});

describe("whatever the user writes", () => {
  const option = /^--(name|hostname|add-host|network|network-alias|label|mount|publish|env)=/;
  const flag =
    /^(-(node|datacenter|log-level|bind|client|bootstrap-expect|retry-join|hcl)=|-(server|ui|dev)$)/;

  test("is one argument after one of our own flag names, unchanged", () => {
    fc.assert(
      fc.property(userText, ({ config, env, run, servers, clients }) => {
        const spec = {
          ...specOf({ servers: String(servers), clients: String(clients) }),
          config,
          env: new Map(Object.entries(env)),
        };
        const plan = planCluster(spec, {
          ...prerequisites,
          jobLabels: jobLabels({ GITHUB_JOB: run }, "host", ""),
        });
        for (const agent of plan.agents) {
          const args = agentRunArguments(plan, agent);
          const image = args.indexOf(prerequisites.image.reference);
          const options = args.slice(0, image);
          const [command, ...flags] = args.slice(image + 1);
          for (const argument of options) expect(argument).toMatch(option);
          expect(command).toBe("agent");
          for (const argument of flags) expect(argument).toMatch(flag);

          expect(options).toContain(`--label=consul-cluster-action.job=${run}`);
          expect(options.filter((argument) => argument.startsWith("--env="))).toEqual([
            ...Object.entries(env).map(([name, value]) => `--env=${name}=${value}`),
          ]);
          const fragments = flags.filter((argument) => argument.startsWith("-hcl="));
          if (config !== "") expect(fragments.at(-1)).toBe(`-hcl=${config}`);
        }
      }),
    );
  });

  test("the same input gives the same plan", () => {
    fc.assert(
      fc.property(userText, ({ config, env, servers, clients }) => {
        const plan = () => {
          const spec = {
            ...specOf({ servers: String(servers), clients: String(clients) }),
            config,
          };
          const made = planCluster({ ...spec, env: new Map(Object.entries(env)) }, prerequisites);
          return { made, args: made.agents.map((agent) => agentRunArguments(made, agent)) };
        };
        expect(plan()).toEqual(plan());
      }),
    );
  });
});

describe("ports", () => {
  test("are exactly as many as freePortsNeeded says, all different", () => {
    const port = fc.constantFrom("0", "1", "8500", "65535");
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 15 }),
        fc.integer({ min: 0, max: 20 }),
        fc.uniqueArray(port, {
          minLength: 3,
          maxLength: 3,
          comparator: (a, b) => a !== "0" && a === b,
        }),
        (servers, clients, [http = "", dns = "", grpc = ""]) => {
          const ports = { "http-port": http, "dns-port": dns, "grpc-port": grpc };
          const spec = specOf({ servers: String(servers), clients: String(clients), ...ports });
          const freePorts = prerequisites.freePorts.slice(0, freePortsNeeded(spec));
          const { agents } = planCluster(spec, { ...prerequisites, freePorts });
          const published = agents.flatMap(({ publications }) =>
            publications.map(({ port }) => port),
          );
          expect(published).toHaveLength(3 * (servers + clients));
          expect(new Set(published).size).toBe(published.length);
          expect(published).toEqual(expect.arrayContaining(freePorts));
        },
      ),
    );
  });

  test("that the user did not choose can change", () => {
    const [server, client] = planCluster(
      specOf({ servers: "1", clients: "1", "dns-port": "0" }),
      prerequisites,
    ).agents;
    const portsOf = ({ publications }: AgentPlan) => publications.map(({ port }) => port);
    if (!server || !client) throw new Error("two agents were planned");
    expect(portsOf(withOtherPorts(server, [1, 2, 3].values()))).toEqual([8500, 1, 8502]);
    expect(portsOf(withOtherPorts(client, [1, 2, 3].values()))).toEqual([1, 2, 3]);
  });

  test("are not published on a network that the job shares: addresses are names there", () => {
    const spec = specOf({ servers: "1", clients: "1" });
    const joined = { ...prerequisites, network: "job" };
    const addresses = (plan: ClusterPlan) => plan.agents.map((agent) => addressOf(agent, "http"));
    const shared = planCluster(spec, { ...joined, isOnNetwork: true });
    expect(addresses(shared)).toEqual(["server-1:8500", "client-1:8500"]);
    expect(argumentsOf(shared, "server-1").join("\n")).not.toContain("--publish");
    expect(argumentsOf(shared, "server-1")).toContain("--network=job");

    const second = planCluster(spec, {
      ...joined,
      isOnNetwork: true,
      areNodeNamesTaken: true,
    });
    const hosts = ["consul-c0ffee00-server-1", "consul-c0ffee00-client-1"];
    expect(addresses(second)).toEqual(hosts.map((host) => `${host}:8500`));
    for (const option of ["network-alias", "hostname"])
      expect(argumentsOf(second, "client-1")).toContain(`--${option}=${hosts[1]}`);

    const beside = planCluster(spec, joined);
    expect(addresses(beside)).toEqual(["127.0.0.1:8500", "127.0.0.1:50001"]);
  });
});

test("a cluster's own network has its labels", () => {
  expect(networkArguments(prerequisites)).toEqual([
    "--label=consul-cluster-action.cluster=c0ffee00",
    '--label=consul-cluster-action.run=me/it/7/1 "a", b',
    "consul-c0ffee00",
  ]);
});

describe("several datacenters", () => {
  const cluster = `
datacenters:
  - { name: east, servers: 2, clients: 1, config: { a: 2 } }
  - { name: west, servers: 1 }
config: { a: 1 }
server_config: { a: 3 }
client_config: { a: 4 }
`;
  const plan = planCluster(specOf({ cluster, config: "a = 5", clients: "1" }), prerequisites);

  test("name their nodes after themselves; the primary's first server has the ports", () => {
    expect(plan.agents.map(({ node, publications }) => [node, publications[0]?.port])).toEqual([
      ["east-server-1", 8500],
      ["east-server-2", 50_001],
      ["east-client-1", 50_004],
      ["west-server-1", 50_007],
      ["west-client-1", 50_010],
    ]);
    expect(freePortsNeeded(plan.spec)).toBe(12);
  });

  test("join locally by LAN, join other servers by WAN, and know the primary", () => {
    const joins = (node: string) =>
      argumentsOf(plan, node)
        .filter((argument) => /-join|expect|primary_/.test(argument))
        .map((argument) => argument.replaceAll("consul-c0ffee00-", ""));
    const federation = '-hcl={"primary_datacenter":"east","retry_interval_wan":"200ms"}';
    expect(joins("east-server-1")).toEqual([
      "-bootstrap-expect=2",
      "-retry-join=east-server-2-gossip",
      "-retry-join-wan=west-server-1-gossip",
      federation,
    ]);
    expect(joins("west-server-1")).toEqual([
      "-bootstrap-expect=1",
      "-retry-join-wan=east-server-1-gossip",
      "-retry-join-wan=east-server-2-gossip",
      federation,
    ]);
    expect(joins("west-client-1")).toEqual(["-retry-join=west-server-1-gossip", federation]);
  });

  test("with a peering join nothing over WAN, are their own primary, and know whom they dial", () => {
    const text = `
datacenters: [{ name: a, servers: 1 }, { name: b, servers: 1 }, { name: c, servers: 1 }, { name: d, servers: 1 }]
peerings: [{ acceptor: a, dialer: b }]
`;
    const peered = planCluster(specOf({ cluster: text }), prerequisites);
    const connections = (node: string) =>
      argumentsOf(peered, node).flatMap((argument) =>
        Array.from(
          argument.matchAll(
            /(?:-join-wan=consul-c0ffee00-|primary_datacenter":"|action\.(?:dials|federation)=)[\w-]+/g,
          ),
          ([part]) => part.replace(/^.*(?:c0ffee00-|\.)/, ""),
        ),
      );
    expect(connections("a-server-1")).toEqual(["federation=a"]);
    expect(connections("b-server-1")).toEqual(["federation=b", "dials=a"]);
    const joined = ["federation=c", 'primary_datacenter":"c'];
    expect(connections("c-server-1")).toEqual([joined[0], "d-server-1-gossip", joined[1]]);
    expect(connections("d-server-1")).toEqual([joined[0], "c-server-1-gossip", joined[1]]);
  });

  test("get configuration from the file, the datacenter, the role and the input, in this order", () => {
    const own = (node: string) =>
      argumentsOf(plan, node).filter((argument) => /^-hcl=(\{"a"|a)/.test(argument));
    expect(own("east-server-1")).toEqual([
      '-hcl={"a":1}',
      '-hcl={"a":2}',
      '-hcl={"a":3}',
      "-hcl=a = 5",
    ]);
    expect(own("west-client-1")).toEqual(['-hcl={"a":1}', '-hcl={"a":4}', "-hcl=a = 5"]);
  });
});
