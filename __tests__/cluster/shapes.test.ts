import { beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { type Up, up } from "../support/cluster.ts";
import {
  aliveMembers,
  catalogNodes,
  getJson,
  resolveByTcp,
  resolveByUdp,
  voters,
} from "../support/consul.ts";
import { docker, engineHoldings } from "../support/engine.ts";
import { grpcMediaType } from "../support/grpc.ts";
import { isFrom } from "../support/needs.ts";

const inspection = z.tuple([
  z.object({
    HostConfig: z.object({
      NetworkMode: z.string(),
      PublishAllPorts: z.boolean(),
      Privileged: z.boolean(),
    }),
    NetworkSettings: z.object({
      Ports: z.record(
        z.string(),
        z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullable(),
      ),
    }),
  }),
]);

/** The ports that docker publishes of a container: `127.0.0.1:8500 8500/tcp`, sorted. */
async function publishedBy(container: string): Promise<string[]> {
  const [{ HostConfig, NetworkSettings }] = inspection.parse(
    JSON.parse(await docker("inspect", container)),
  );
  expect(HostConfig).toMatchObject({ PublishAllPorts: false, Privileged: false });
  expect(HostConfig.NetworkMode).not.toBe("host");
  return Object.entries(NetworkSettings.Ports)
    .flatMap(([inside, bindings]) =>
      (bindings ?? []).map(({ HostIp, HostPort }) => `${HostIp}:${HostPort} ${inside}`),
    )
    .sort();
}

const shapes = [
  { servers: 1, clients: 0 },
  { servers: 3, clients: 0 },
  { servers: 3, clients: 3 },
  { servers: 5, clients: 2 },
];

describe.each(shapes)("$servers servers and $clients clients", ({ servers, clients }) => {
  const numbered = (role: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${role}-${index + 1}`);
  const serverNames = numbered("server", servers);
  const names = [...numbered("client", clients), ...serverNames];

  let before: string[];
  let cluster: Up;
  beforeAll(async () => {
    before = await engineHoldings();
    cluster = await up({ servers: String(servers), clients: String(clients) });
  });

  // This test comes first and waits for nothing: it judges the moment at which main returned.
  test("are complete when main returns, whichever agent is asked", async () => {
    const isServer = ({ role }: { role: string }) => role === "server";
    const asked = await Promise.all(
      cluster.nodes.map(async ({ name, role, http }) => ({
        name,
        leader: await getJson(`${http}/v1/status/leader`, z.string()),
        catalog: await catalogNodes(http),
        ...(isServer({ role }) && {
          alive: await aliveMembers(http),
          voters: await voters(http),
        }),
      })),
    );
    const leader = cluster.nodes.find(({ name }) => name === cluster.outputs.leader);
    expect(asked).toEqual(
      [...serverNames, ...numbered("client", clients)].map((name) => ({
        name,
        leader: `${leader?.ip}:8300`,
        catalog: names,
        ...(serverNames.includes(name) && { alive: names, voters: serverNames }),
      })),
    );
  });

  test("report their own name at their own address", async () => {
    const self = z.object({ Config: z.object({ NodeName: z.string(), Server: z.boolean() }) });
    for (const { name, role, http } of cluster.nodes)
      expect(await getJson(`${http}/v1/agent/self`, self)).toEqual({
        Config: { NodeName: name, Server: role === "server" },
      });
  });

  test("have Connect on or off as their version has it by default, whatever the shape", async () => {
    const self = z.object({ DebugConfig: z.object({ ConnectEnabled: z.boolean() }) });
    for (const { name, http } of cluster.nodes) {
      const { DebugConfig } = await getJson(`${http}/v1/agent/self`, self);
      expect(DebugConfig.ConnectEnabled, name).toBe(isFrom("1.14.0"));
    }
  });

  test("are published on the loopback only, at the addresses of the outputs", async () => {
    for (const { container, http, dns, grpc } of cluster.nodes) {
      const api = `${new URL(http).host} 8500/tcp`;
      const expected = [api, `${dns} 8600/tcp`, `${dns} 8600/udp`, `${grpc} 8502/tcp`].sort();
      expect(await publishedBy(container)).toEqual(expected);
      for (const publication of expected) expect(publication).toMatch(/^127\.0\.0\.1:/);
    }
    const { outputs, nodes } = cluster;
    expect(nodes[0]).toMatchObject({
      http: outputs["http-address"],
      dns: outputs["dns-address"],
      grpc: outputs["grpc-address"],
    });
  });

  test("answer there, each by itself: DNS and gRPC", async () => {
    for (const { name, ip, dns, grpc } of cluster.nodes) {
      expect(await resolveByUdp(dns, `${name}.node.consul`)).toEqual([ip]);
      expect(await resolveByTcp(dns, `${name}.node.consul`)).toEqual([ip]);
      expect(await grpcMediaType(grpc), name).toBe("application/grpc");
    }
  });

  test("leave the engine as it was", async () => {
    expect((await engineHoldings()).length).toBeGreaterThan(before.length);
    await cluster.down();
    expect(await engineHoldings()).toEqual(before);
  });
});
