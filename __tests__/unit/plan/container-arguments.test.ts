import { describe, expect, test } from "vitest";
import { binaryRunArguments, keyMakerArguments } from "../../../src/plan/container-arguments.ts";
import { type ClusterPlan, type NodeImage, planCluster } from "../../../src/plan/plan.ts";
import { argumentsOf, prerequisites, specOf } from "./fixtures.ts";

describe("the arguments of docker run", () => {
  const plan = planCluster(
    specOf({
      servers: "2",
      clients: "1",
      datacenter: "east",
      "log-level": "error",
      config: "retry_max = 3\nenable_debug = true",
      env: "CONSUL_BIND_INTERFACE=eth1\nA=b c",
    }),
    prerequisites,
  );
  const settings =
    '-hcl={"ports":{"grpc":8502},"performance":{"raft_multiplier":1},"retry_interval":"200ms","autopilot":{"server_stabilization_time":"0s","cleanup_dead_servers":false},"disable_update_check":true}';
  const bind =
    '-bind={{ with GetAllInterfaces | include "name" "^eth1$" | include "type" "IPv4" | limit 1 | join "address" " " }}{{ . }}{{ else }}no-IPv4-address-on-eth1{{ end }}';
  const mount =
    '--mount="type=volume","destination=/consul/data","volume-label=consul-cluster-action.cluster=c0ffee00","volume-label=consul-cluster-action.run=me/it/7/1 ""a"", b"';

  test("of a server", () => {
    expect(argumentsOf(plan, "server-1")).toEqual([
      "--name=consul-c0ffee00-server-1",
      "--hostname=server-1",
      "--network=consul-c0ffee00",
      "--network-alias=server-1",
      "--network-alias=consul-c0ffee00-server-1-gossip",
      "--add-host=host.docker.internal:host-gateway",
      "--label=consul-cluster-action.cluster=c0ffee00",
      '--label=consul-cluster-action.run=me/it/7/1 "a", b',
      "--label=consul-cluster-action.node=server-1",
      "--label=consul-cluster-action.role=server",
      "--label=consul-cluster-action.datacenter=east",
      "--label=consul-cluster-action.primary=true",
      "--label=consul-cluster-action.federation=east",
      "--label=consul-cluster-action.storage=disk",
      "--label=consul-cluster-action.network=consul-c0ffee00",
      "--label=consul-cluster-action.ports=8500,8600,8502",
      mount,
      "--publish=127.0.0.1:8500:8500/tcp",
      "--publish=127.0.0.1:8600:8600/tcp",
      "--publish=127.0.0.1:8600:8600/udp",
      "--publish=127.0.0.1:8502:8502/tcp",
      "--env=A=b c",
      "hashicorp/consul:2.1",
      "agent",
      "-node=server-1",
      "-datacenter=east",
      "-log-level=err",
      bind,
      "-client=0.0.0.0",
      "-server",
      "-bootstrap-expect=2",
      "-ui",
      "-retry-join=consul-c0ffee00-server-2-gossip",
      settings,
      "-hcl=retry_max = 3\nenable_debug = true",
    ]);
  });

  test("of a client", () => {
    expect(argumentsOf(plan, "client-1")).toEqual([
      "--name=consul-c0ffee00-client-1",
      "--hostname=client-1",
      "--network=consul-c0ffee00",
      "--network-alias=client-1",
      "--network-alias=consul-c0ffee00-client-1-gossip",
      "--add-host=host.docker.internal:host-gateway",
      "--label=consul-cluster-action.cluster=c0ffee00",
      '--label=consul-cluster-action.run=me/it/7/1 "a", b',
      "--label=consul-cluster-action.node=client-1",
      "--label=consul-cluster-action.role=client",
      "--label=consul-cluster-action.datacenter=east",
      "--label=consul-cluster-action.primary=true",
      "--label=consul-cluster-action.federation=east",
      "--label=consul-cluster-action.storage=disk",
      "--label=consul-cluster-action.network=consul-c0ffee00",
      "--label=consul-cluster-action.ports=50004,50005,50006",
      mount,
      "--publish=127.0.0.1:50004:8500/tcp",
      "--publish=127.0.0.1:50005:8600/tcp",
      "--publish=127.0.0.1:50005:8600/udp",
      "--publish=127.0.0.1:50006:8502/tcp",
      "--env=A=b c",
      "hashicorp/consul:2.1",
      "agent",
      "-node=client-1",
      "-datacenter=east",
      "-log-level=err",
      bind,
      "-client=0.0.0.0",
      "-retry-join=consul-c0ffee00-server-1-gossip",
      "-retry-join=consul-c0ffee00-server-2-gossip",
      settings,
      "-hcl=retry_max = 3\nenable_debug = true",
    ]);
  });

  test("label what later steps can't see otherwise: primary, storage, the network", () => {
    const known = /^--label=consul-cluster-action\.(?:primary|storage|network)=.*/;
    const labelsOf = (inputs: Readonly<Record<string, string>>, node: string, network?: string) =>
      argumentsOf(
        planCluster(specOf(inputs), { ...prerequisites, ...(network && { network }) }),
        node,
      )
        .filter((argument) => known.test(argument))
        .map((argument) => argument.replace("--label=consul-cluster-action.", ""));
    const given = { servers: "1", clients: "1" };
    const [server, client] = [
      labelsOf(given, "server-1", "mine"),
      labelsOf(given, "client-1", "mine"),
    ];
    expect(server).toEqual(["primary=true", "storage=memory", "network=mine"]);
    expect(client).toEqual(["primary=true", "storage=disk", "network=mine"]);
    const cluster = "datacenters: [{ name: east, servers: 3 }, { name: west, servers: 3 }]";
    expect(labelsOf({ cluster }, "west-server-1")).toEqual([
      "storage=disk",
      "network=consul-c0ffee00",
    ]);
  });

  test("have Consul find the addresses of interfaces, which needs no `ip` in the image", () => {
    const listening = (env: string) =>
      argumentsOf(planCluster(specOf({ env }), prerequisites), "server-1").filter((argument) =>
        /^-(bind|client)=|_INTERFACE/.test(argument),
      );
    expect(listening("")).toEqual([expect.stringContaining('"^eth0$"'), "-client=0.0.0.0"]);
    expect(listening("CONSUL_CLIENT_INTERFACE=\nCONSUL_BIND_INTERFACE=")).toEqual(listening(""));
    expect(listening("CONSUL_CLIENT_INTERFACE=eth0.7\nCONSUL_BIND_INTERFACE=br-1")).toEqual([
      expect.stringMatching(/^-bind=.*"\^br-1\$"/),
      expect.stringMatching(/^-client=.*"\^eth0\[\.\]7\$".*no-IPv4-address-on-eth0\.7/),
    ]);
  });

  test("have a labeled volume for the data directory and for the one that the image declares", () => {
    const mounts = (env: string) =>
      argumentsOf(planCluster(specOf({ env }), prerequisites), "server-1").flatMap(
        (argument) => /^--mount=.*"destination=(.*?)",/.exec(argument)?.[1] ?? [],
      );
    expect(mounts("")).toEqual(["/consul/data"]);
    expect(mounts("CONSUL_DATA_DIR=")).toEqual(["/consul/data"]);
    expect(mounts("CONSUL_DATA_DIR=/consul/data")).toEqual(["/consul/data"]);
    expect(mounts("CONSUL_DATA_DIR=/a,b")).toEqual(["/consul/data", "/a,b"]);
  });
});

test("volumes of containers that are no agents have the cluster's labels, too", () => {
  const plan = planCluster(specOf(), prerequisites);
  const mount = expect.stringMatching(
    /^--mount="type=volume","destination=\/consul\/data","volume-label=consul-cluster-action.cluster=c0ffee00"/,
  );
  const request = { owner: prerequisites, image: "a/b", tls: undefined, agents: plan.agents };
  expect(keyMakerArguments(request, "true")).toContainEqual(mount);
  expect(binaryRunArguments(plan)).toContainEqual(mount);
});

test("a node has its own image, environment, and configuration, which the input overrides", () => {
  const cluster = `
config: { a: 1 }
server_config: { b: 2 }
nodes:
  server-2: { version: "1.21", config: { c: 3 }, env: { TZ: UTC, A: own } }
`;
  const spec = specOf({ cluster, config: "d = 4", env: "A=all\nB=all" });
  const own: NodeImage = {
    image: { reference: "hashicorp/consul:1.21" },
    version: "1.21.0",
    devTurnsConnectOn: false,
  };
  const plan = planCluster(spec, { ...prerequisites, nodeImages: new Map([["server-2", own]]) });
  const said = (node: string) => {
    const args = argumentsOf(plan, node);
    return {
      image: args.filter((arg) => arg.startsWith("hashicorp/")),
      env: args.filter((arg) => arg.startsWith("--env=")),
      config: args.filter((arg) => arg.startsWith("-hcl=")).slice(1),
    };
  };
  expect(said("server-2")).toEqual({
    image: ["hashicorp/consul:1.21"],
    env: ["--env=A=own", "--env=B=all", "--env=TZ=UTC"],
    config: ['-hcl={"a":1}', '-hcl={"b":2}', '-hcl={"c":3}', "-hcl=d = 4"],
  });
  expect(said("server-1")).toEqual({
    image: ["hashicorp/consul:2.1"],
    env: ["--env=A=all", "--env=B=all"],
    config: ['-hcl={"a":1}', '-hcl={"b":2}', "-hcl=d = 4"],
  });
});

test("a server that joins a cluster elects nobody on its own, whatever the user's configuration says", () => {
  const cluster = "server_config: { bootstrap_expect: 1 }\n";
  const spec = specOf({ cluster, servers: "1", clients: "1", storage: "disk" });
  const plan = planCluster(spec, prerequisites);
  const joining = { ...plan, isNew: false };
  const last = (node: string, of: ClusterPlan = joining) => argumentsOf(of, node).at(-1);
  expect(last("server-1")).toBe('-hcl={"bootstrap_expect":0}');
  expect(last("client-1")).not.toContain("bootstrap_expect");
  expect(last("server-1", plan)).toBe('-hcl={"bootstrap_expect":1}');
});
