import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { freePorts } from "../../../src/docker/ports.ts";
import type { NodeState } from "../../../src/find/existing-cluster.ts";
import { refuseTakenPorts, startAgain } from "../../../src/find/taken-ports.ts";
import { agent, facts, fakeDocker } from "./fixtures.ts";

const docker = new Engine(new AbortController().signal, () => {});

/** An engine at this endpoint, with running containers: a name, a tab, and ports on each line. */
const engine = (endpoint: string, containers = "", more: readonly string[] = []) =>
  fakeDocker(
    `case "$1" in context) echo ${endpoint};; ps) printf '${containers}';; ${more.join("\n")}\nesac`,
  );

const here = "unix:///var/run/docker.sock";
const thisProcess = `the process ${process.pid} (${basename(process.execPath)})`;

async function node(name: string, state: NodeState) {
  const [http = 0, dns = 0] = await freePorts(2, new Set());
  const publications = [
    { name: "http", port: http, isFixed: true },
    { name: "dns", port: dns, isFixed: true },
  ] as const;
  return { http, dns, agent: { ...agent(name, state), publications } };
}

async function listen(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
}

async function bind(port: number): Promise<void> {
  const socket = createSocket("udp4").bind(port, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => {
    socket.close();
  });
}

test("every port of stopped nodes that is taken is named, with what has it", async () => {
  const [one, two, up] = await Promise.all([
    node("server-1", "stopped"),
    node("client-1", "stopped"),
    node("client-2", "running"),
  ]);
  // Of a running node, its own container has them.
  await Promise.all([listen(one.http), bind(two.dns), listen(up.http)]);
  engine(here, `web\t0.0.0.0:${one.http}->80/tcp\n`);
  const agents = [one.agent, two.agent, up.agent];
  await expect(refuseTakenPorts(docker, agents)).rejects.toThrow(
    [
      "start the node with the `fault` action (`action: start`).",
      `  server-1: http at port ${one.http}, used by the container web`,
      `  client-1: dns at port ${two.dns}, used by ${thisProcess}`,
    ].join("\n"),
  );
});

test("ports that are free, or of another machine, stop nothing", async () => {
  engine("ssh://ci@build-2");
  const [free, elsewhere] = [await node("server-1", "stopped"), await node("server-2", "stopped")];
  await listen(elsewhere.http);
  await refuseTakenPorts(docker, [free.agent, elsewhere.agent]);
});

/** Starts a node whose container the engine refuses to start in these words. */
async function refusedBy(words: (port: number) => string, networks: string) {
  const { agent, dns } = await node("server-1", "stopped");
  const folder = engine(here, `web\\t127.0.0.1:${dns}->80/tcp\\n`, [
    `start) echo '${words(dns)}' >&2; exit 1;;`,
    `container) cat <<'END'\n[${networks}]\nEND\n;;`,
    'network) echo "$*" >connected;;',
  ]);
  const error: unknown = await startAgain(docker, agent).catch((reason) => reason);
  const file = join(folder, "connected");
  return { dns, error, connected: existsSync(file) ? readFileSync(file, "utf8") : "" };
}

const stillConnected = JSON.stringify(facts);
const takenOff = JSON.stringify({ ...facts, NetworkSettings: { Networks: {} } });
const inUse = (port: number) => `listen tcp4 127.0.0.1:${port}: bind: address already in use`;

test.each([
  ["a process has it", inUse],
  [
    "since 28",
    (port: number) => `failed to bind host port 127.0.0.1:${port}/tcp: address already in use`,
  ],
  [
    "a container has it",
    (port: number) => `Bind for 127.0.0.1:${port} failed: port is already allocated`,
  ],
])("an engine's refusal is explained: %s", async (_, words) => {
  const { dns, error, connected } = await refusedBy(words, stillConnected);
  expect(error).toMatchObject({
    title: "Ports of server-1 are in use",
    explanation: expect.stringContaining(
      `\n  server-1: dns at port ${dns}, used by the container web`,
    ),
  });
  expect(connected).toBe("");
});

test("a container that the engine took off its network is connected again, with its names", async () => {
  const { error, connected } = await refusedBy(inUse, takenOff);
  expect(error).toMatchObject({ title: "Ports of server-1 are in use" });
  expect(connected).toBe("network connect --alias=server-1 net server-1\n");
});

test.each([
  ["of other ports", inUse(1)],
  ["of something else", "no space left on device"],
])("a refusal %s stays as it is", async (_, words) => {
  const { error } = await refusedBy(() => words, stillConnected);
  expect(error).toMatchObject({ command: "start server-1", said: words });
});
