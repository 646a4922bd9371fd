import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import * as z from "zod";
import { Consul } from "../../../src/consul/consul.ts";
import type { ContainerFacts } from "../../../src/docker/answers.ts";
import type { FoundAgent, NodeState } from "../../../src/find/existing-cluster.ts";
import type { FoundDatacenter, Raft } from "../../../src/find/raft.ts";
import type { Role } from "../../../src/inputs/cluster-spec.ts";

export const facts: ContainerFacts = {
  Id: "0123456789abcdef",
  Image: "5ha",
  Name: "consul-c0ffee00-server-1",
  Config: {
    Hostname: "server-1",
    Image: "hashicorp/consul:1.22",
    Env: ["PATH=/bin", "CONSUL_BIND_INTERFACE=eth0", "A=b=c"],
    Cmd: ["agent", '-hcl={"a": "$x"}'],
    Labels: {
      "image.label": "1",
      "consul-cluster-action.run": 'me/it "a", b',
      "consul-cluster-action.network": "net",
    },
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
    NetworkMode: "net",
    PortBindings: {
      "8500/tcp": [{ HostIp: "127.0.0.1", HostPort: "8500" }],
      "8600/udp": [{ HostIp: "127.0.0.1", HostPort: "8600" }],
    },
  },
  NetworkSettings: {
    Networks: {
      net: { NetworkID: "4e7", IPAddress: "10.0.0.2", Aliases: ["server-1", "0123456789ab"] },
    },
  },
};

export function agent(node: string, state: NodeState = "running"): FoundAgent {
  const consul = new Consul({ scheme: "http", address: "127.0.0.1:1" });
  const role: Role = node.startsWith("server") ? "server" : "client";
  const found = { facts, storage: "disk", ip: "10.0.0.2", http: "http://127.0.0.1:1" } as const;
  const shape = { node, role, datacenter: "dc1", federation: "dc1" };
  const plan = { ...shape, container: node, host: node, publications: [] };
  return { ...plan, ...found, state, consul, dials: [], engine: "" };
}

export const three = [agent("server-1"), agent("server-2"), agent("server-3"), agent("client-1")];

export const raft = { leader: "server-1", voters: ["server-1", "server-2", "server-3"] };

export const dc1 = (agents: readonly FoundAgent[] = three, now: Raft = raft): FoundDatacenter => ({
  name: "dc1",
  agents,
  raft: now,
});

/**
 * A `docker` that is a shell script, found first on this process's PATH until the test is over.
 *
 * @param script - runs in the folder, with the arguments of each call
 * @returns the folder
 */
export function fakeDocker(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), "fake-docker-"));
  writeFileSync(join(folder, "docker"), `#!/bin/sh\ncd ${folder}\n${script}`, { mode: 0o755 });
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  return folder;
}

export const names = (agents: readonly FoundAgent[]) => agents.map(({ node }) => node);

/** An agent's HTTP API, answered by this listener until the test is over. */
export async function consulThatAnswers(listener: RequestListener): Promise<Consul> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close().closeAllConnections();
  });
  await once(server, "listening");
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return new Consul({ scheme: "http", address: `127.0.0.1:${port}` });
}

/** An agent's HTTP API that gives these answers, by path, with or without its query. */
export async function withAnswers<T>(
  answers: Readonly<Record<string, unknown>>,
  use: (consul: Consul) => Promise<T>,
): Promise<T> {
  const server = createServer(({ url = "" }, answer) => {
    answer.end(JSON.stringify(answers[url] ?? answers[url.replace(/\?.*/, "")]));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = z.object({ port: z.number() }).parse(server.address());
  try {
    return await use(new Consul({ scheme: "http", address: `127.0.0.1:${port}` }));
  } finally {
    server.close().closeAllConnections();
  }
}

export const memberAnswers = ["a", "b", "c"].map((id, index) => {
  const tags = { build: "1.8.7", id };
  return { Name: `server-${index + 1}`, Addr: `10.0.0.${index + 1}`, Status: 1, Tags: tags };
});

export type Peer = readonly [id: string, node: string, ip: string];

export const raftAnswer = (...peers: readonly Peer[]) => ({
  Index: 1,
  Servers: peers.map(([ID, Node, ip]) => {
    return { ID, Node, Address: `${ip}:8300`, Leader: ID === "a", Voter: true };
  }),
});
