/** Things that fail on demand, for tests of faults. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, request } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { StepResult } from "../script/runner.ts";

export interface Annotation {
  readonly title: string;
  readonly message: string;
}

/** The `::error::` annotations of a step, decoded. */
export function errorsOf({ log }: StepResult): Annotation[] {
  const decode = (text: string) =>
    text
      .replaceAll("%0A", "\n")
      .replaceAll("%3A", ":")
      .replaceAll("%2C", ",")
      .replaceAll("%25", "%");
  return Array.from(
    log.matchAll(/^::error title=(.*?)::(.*)$/gm),
    ([, title = "", message = ""]) => ({
      title: decode(title),
      message: decode(message),
    }),
  );
}

export function scratch(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "fault-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function portOf(server: Server): Promise<number> {
  if (!server.listening) await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  return address.port;
}

/** The test's engine, reached by TCP through a proxy that can go away half-way. */
export async function engineProxy() {
  const host = execFileSync(
    "docker",
    ["context", "inspect", "--format={{.Endpoints.docker.Host}}"],
    {
      encoding: "utf8",
    },
  ).trim();
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const engine = connect(host.replace(/^unix:\/\//, ""));
    for (const [from, to] of [
      [client, engine],
      [engine, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => sockets.delete(from));
      from.pipe(to);
    }
  }).listen(0, "127.0.0.1");
  const port = await portOf(server);
  const cut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { host: `tcp://127.0.0.1:${port}`, cut };
}

/** What a registry's proxy does with a request; undefined lets it through. */
export type Fault = "rate-limit" | "cut" | "hang" | "unavailable" | undefined;

/** Debian's docker-registry on the loopback, behind a proxy that fails on demand. */
export async function registry() {
  const { folder, remove } = scratch();
  const inner = createServer().listen(0, "127.0.0.1");
  const innerPort = await portOf(inner);
  inner.close();
  await once(inner, "close");
  const config = join(folder, "config.yml");
  writeFileSync(
    config,
    JSON.stringify({
      version: "0.1",
      log: { level: "error" },
      storage: { filesystem: { rootdirectory: join(folder, "data") } },
      http: { addr: `127.0.0.1:${innerPort}` },
    }),
  );
  const process = spawn("docker-registry", ["serve", config], { stdio: "ignore" });
  let decide: (path: string) => Fault = () => undefined;
  const seen: string[] = [];
  const proxy = createHttpServer((incoming, answer) => {
    const path = incoming.url ?? "/";
    seen.push(`${incoming.method} ${path}`);
    const fault = decide(path);
    if (fault === "hang") return;
    if (fault === "rate-limit") {
      const errors = [
        { code: "TOOMANYREQUESTS", message: "You have reached your pull rate limit." },
      ];
      answer.writeHead(429, { "content-type": "application/json" }).end(JSON.stringify({ errors }));
    } else if (fault === "unavailable") answer.writeHead(503).end();
    else {
      const { method, headers } = incoming;
      const outgoing = request(
        { port: innerPort, host: "127.0.0.1", path, method, headers },
        (inner) => {
          answer.writeHead(inner.statusCode ?? 500, inner.headers);
          if (fault === "cut") {
            inner.resume();
            answer.write("{", () => answer.destroy());
          } else inner.pipe(answer);
        },
      );
      outgoing.on("error", () => answer.destroy());
      incoming.pipe(outgoing);
    }
  }).listen(0, "127.0.0.1");
  const port = await portOf(proxy);
  for (;;) {
    const isUp = await fetch(`http://127.0.0.1:${innerPort}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) break;
    if (process.exitCode !== null) throw new Error("docker-registry ended");
    await sleep(50);
  }
  return {
    address: `127.0.0.1:${port}`,
    seen,
    /** @param rule - decides what happens to each request, by its path */
    fail: (rule: (path: string) => Fault) => {
      decide = rule;
    },
    stop: async () => {
      proxy.closeAllConnections();
      proxy.close();
      process.kill();
      if (process.exitCode === null) await once(process, "exit");
      remove();
    },
  };
}

/** A folder with a `docker` that is the real CLI run as a user who may not use this socket. */
export async function deniedEngine() {
  const { folder, remove } = scratch();
  const socket = join(folder, "docker.sock");
  const server = createServer().listen(socket);
  await once(server, "listening");
  chmodSync(socket, 0);
  chmodSync(folder, 0o755);
  const cli = execFileSync("sh", ["-c", "command -v docker"], { encoding: "utf8" }).trim();
  // Root may use any socket, so the CLI drops what root can.
  const drop = process.getuid?.() === 0 ? "setpriv --reuid=65534 --clear-groups " : "";
  const wrapper = join(folder, "docker");
  writeFileSync(wrapper, `#!/bin/sh\nexport HOME=/nonexistent\nexec ${drop}${cli} "$@"\n`, {
    mode: 0o755,
  });
  const stop = () => {
    server.close();
    remove();
  };
  return { env: { PATH: `${folder}:${process.env.PATH}`, DOCKER_HOST: `unix://${socket}` }, stop };
}

/**
 * A folder with a `docker` that is a shell script around the real CLI, which runs as its child and
 * holds its pipes. It can be told to let every `docker ps` hang.
 */
export function wrappedDocker() {
  const { folder, remove } = scratch();
  const cli = execFileSync("sh", ["-c", "command -v docker"], { encoding: "utf8" }).trim();
  const hung = join(folder, "hung");
  const hang = `if [ "$1" = ps ]; then sh -c 'while [ -e "${hung}" ]; do sleep 0.2; done'; fi`;
  const script = `#!/bin/sh\n${hang}\n${cli} "$@"\nexit $?\n`;
  writeFileSync(join(folder, "docker"), script, { mode: 0o755 });
  return {
    env: { PATH: `${folder}:${process.env.PATH}` },
    hang: () => writeFileSync(hung, ""),
    recover: () => rmSync(hung),
    remove,
  };
}

/** Something that listens on a free TCP port of the loopback. */
export async function listener() {
  const server = createServer().listen(0, "127.0.0.1");
  const port = await portOf(server);
  return { port, stop: () => server.close() };
}
