import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { type Up, up } from "../support/cluster.ts";
import { aliveMembers, getJson, httpGet, resolveByUdp } from "../support/consul.ts";
import { filesIn } from "../support/container-files.ts";
import { docker } from "../support/engine.ts";
import { needsUi } from "../support/needs.ts";
import { freePorts } from "../support/ports.ts";

const debugConfig = z.object({ DebugConfig: z.record(z.string(), z.unknown()) });

/** The agent's effective configuration (`/v1/agent/self`). */
async function runtimeConfig(http: string): Promise<Record<string, unknown>> {
  return (await getJson(`${http}/v1/agent/self`, debugConfig)).DebugConfig;
}

describe("three servers and three clients on ports that the job names", () => {
  let cluster: Up;
  let [httpPort, dnsPort, grpcPort]: number[] = [];
  beforeAll(async () => {
    [httpPort, dnsPort, grpcPort] = await freePorts(3);
    cluster = await up({
      servers: "3",
      clients: "3",
      "http-port": `${httpPort}`,
      "dns-port": `${dnsPort}`,
      "grpc-port": `${grpcPort}`,
      env: "CONSUL_BIND_INTERFACE=eth0",
    });
  });
  afterAll(() => cluster.down());

  test("are six members, as Consul's own CLI lists them", async () => {
    const [first] = cluster.nodes;
    const members = await docker("exec", first?.container ?? "", "consul", "members");
    expect(members.match(/ alive /g)).toHaveLength(6);
    expect(await aliveMembers(`http://127.0.0.1:${httpPort}`)).toHaveLength(6);
  });

  test("answer there: the API and DNS", async () => {
    expect(cluster.result.env).toEqual({
      CONSUL_HTTP_ADDR: `http://127.0.0.1:${httpPort}`,
      CONSUL_GRPC_ADDR: `127.0.0.1:${grpcPort}`,
    });
    expect(cluster.outputs).toMatchObject({
      "http-host": "127.0.0.1",
      "http-port": `${httpPort}`,
      "dns-host": "127.0.0.1",
      "dns-port": `${dnsPort}`,
    });
    expect(await httpGet(`http://127.0.0.1:${httpPort}/v1/status/leader`)).toMatch(/:8300/);
    expect(await resolveByUdp(`127.0.0.1:${dnsPort}`, "consul.service.consul")).toHaveLength(3);
  });

  test("answer there: the UI", needsUi(), async () => {
    expect(await httpGet(`http://127.0.0.1:${httpPort}/ui/`)).toMatch(/<title>Consul/);
  });

  test("keep their ports: another cluster that wants one of them is refused", async () => {
    await expect(up({ servers: "1", "dns-port": `${dnsPort}` })).rejects.toThrow(
      /Input `dns-port` is \d+, but the container consul-\w+-server-1 already listens on that port/,
    );
  });
});

test("free ports for all that the job does not name, with `ports: auto`", async () => {
  const [dnsPort] = await freePorts(1);
  const auto = { ports: "auto", "http-port": "", "grpc-port": "" };
  const [first, second] = await Promise.all([
    up({ servers: "1", ...auto, "dns-port": `${dnsPort}` }),
    up({ servers: "1", ...auto, "dns-port": "" }),
  ]);
  expect(first.outputs["dns-address"]).toBe(`127.0.0.1:${dnsPort}`);
  const addresses = [first, second].flatMap(({ outputs }) => [
    outputs["http-address"] ?? "",
    outputs["grpc-address"] ?? "",
    outputs["dns-address"] ?? "",
  ]);
  expect(new Set(addresses).size).toBe(6);
  expect(addresses.filter((address) => /:(8500|8502|8600)$/.test(address))).toEqual([]);
  for (const { outputs } of [first, second])
    expect(await httpGet(`${outputs["http-address"]}/v1/status/leader`)).toMatch(/:8300/);
  await Promise.all([first.down(), second.down()]);
});

describe("what the user sets overrides the action", () => {
  const greeting = `$(touch /tmp/made) "quoted" 'too'; $HOME \`id\` = 100%`;
  let cluster: Up;
  beforeAll(async () => {
    cluster = await up({
      servers: "1",
      clients: "1",
      // In memory, Consul's raft has timers that no configuration changes.
      storage: "disk",
      "log-level": "warn",
      config: `
        # Over a setting of the action's and over a flag of its command line.
        performance { raft_multiplier = 2 }
        log_level = "DEBUG"
        # What they have anyway.
        datacenter = "dc1"
        ports { http = 8500 serf_lan = 8301 }
        node_meta { motto = "$(touch /tmp/made); it's \\"mine\\"" }
      `,
      env: [
        "# a comment",
        "CONSUL_CLIENT_INTERFACE=eth0",
        "CONSUL_DATA_DIR=/srv/consul",
        "CONSUL_CONFIG_DIR=/consul/config",
        'CONSUL_LOCAL_CONFIG={"node_meta": {"from": "environment"}}',
        `GREETING=${greeting}`,
      ].join("\n"),
    });
  });
  afterAll(() => cluster.down());

  test("config, over flags and settings of the action, on every agent", async () => {
    for (const { http, container } of cluster.nodes) {
      expect(await runtimeConfig(http)).toMatchObject({
        ConsulRaftHeartbeatTimeout: "2s",
        NodeMeta: { motto: `$(touch /tmp/made); it's "mine"`, from: "environment" },
      });
      expect(await docker("logs", container)).toContain("[DEBUG]");
    }
  });

  test("env, over what the action sets, on every agent", async () => {
    for (const { http, ip } of cluster.nodes)
      expect(await runtimeConfig(http)).toMatchObject({
        ClientAddrs: [ip],
        DataDir: "/srv/consul",
      });
  });

  test("and no shell reads any of it", async () => {
    for (const { container } of cluster.nodes) {
      const printed = await docker("exec", container, "sh", "-c", `printf %s "$GREETING"`);
      expect(printed).toBe(greeting);
      const names = (await filesIn(container, "/tmp")).map(({ name }) => name);
      expect(names.filter((name) => name.includes("made"))).toEqual([]);
    }
  });

  test("and every volume has the cluster's label, so none is ever left", async () => {
    const label = `label=consul-cluster-action.cluster=${cluster.outputs["cluster-id"]}`;
    const volumes = (await docker("volume", "ls", "--quiet", `--filter=${label}`)).split("\n");
    const listMounts = "--format={{range .Mounts}}{{.Destination}}={{.Name}} {{end}}";
    for (const { container } of cluster.nodes) {
      const mounts = (await docker("inspect", listMounts, container)).trim().split(" ");
      const directories = mounts.map((mount) => mount.split("=")[0]);
      expect(directories.sort()).toEqual(["/consul/data", "/srv/consul"]);
      for (const mount of mounts) expect(volumes).toContain(mount.split("=")[1]);
    }
  });
});

test("config may be JSON", async () => {
  const cluster = await up({
    servers: "1",
    config: '{"node_meta": {"kind": "json"}, "limits": {"rpc_rate": 77}}',
  });
  try {
    expect(await runtimeConfig(cluster.outputs["http-address"] ?? "")).toMatchObject({
      NodeMeta: { kind: "json" },
      RPCRateLimit: 77,
    });
  } finally {
    await cluster.down();
  }
});
