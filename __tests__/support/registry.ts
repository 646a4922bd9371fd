/** A registry that fails on demand. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer as createHttpServer, request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { docker, testImage } from "./engine.ts";
import { scratch } from "./failures.ts";
import { listener, portOf } from "./ports.ts";

/** What a registry's proxy does with a request; undefined lets it through, `slow` does so later. */
export type Failure = "rate-limit" | "cut" | "hang" | "slow" | "unavailable" | undefined;

/** Milliseconds until a slow answer begins. */
const slowness = 4500;

/** A server for a registry's requests, that passes them on unless they are to fail. */
function failingProxy(innerPort: number, failureFor: (path: string) => Failure) {
  return createHttpServer((incoming, answer) => {
    const { url: path = "/", method, headers } = incoming;
    const failure = failureFor(path);
    if (failure === "hang") return;
    if (failure === "rate-limit") {
      const message = "You have reached your pull rate limit.";
      const errors = [{ code: "TOOMANYREQUESTS", message }];
      answer.writeHead(429, { "content-type": "application/json" }).end(JSON.stringify({ errors }));
      return;
    }
    if (failure === "unavailable") {
      answer.writeHead(503).end();
      return;
    }
    const target = { port: innerPort, host: "127.0.0.1", path, method, headers };
    const outgoing = request(target, (inner) => {
      answer.writeHead(inner.statusCode ?? 500, inner.headers);
      if (failure === "cut") {
        inner.resume();
        answer.write("{", () => answer.destroy());
      } else if (failure === "slow") setTimeout(() => inner.pipe(answer), slowness);
      else inner.pipe(answer);
    });
    outgoing.on("error", () => answer.destroy());
    incoming.pipe(outgoing);
  }).listen(0, "127.0.0.1");
}

/** Debian's docker-registry on a free port of the loopback. */
async function innerRegistry(folder: string) {
  const { port, stop } = await listener();
  stop();
  const config = join(folder, "config.yml");
  const settings = {
    version: "0.1",
    log: { level: "error" },
    storage: { filesystem: { rootdirectory: join(folder, "data") } },
    http: { addr: `127.0.0.1:${port}` },
  };
  writeFileSync(config, JSON.stringify(settings));
  const process = spawn("docker-registry", ["serve", config], { stdio: "ignore" });
  const isUp = () =>
    fetch(`http://127.0.0.1:${port}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (; !(await isUp()); await sleep(50))
    if (process.exitCode !== null) throw new Error("docker-registry ended");
  return { port, process };
}

/** A registry on the loopback, behind a proxy that fails on demand. */
export async function registry() {
  const { folder, remove } = scratch();
  const inner = await innerRegistry(folder);
  let decide: (path: string) => Failure = () => undefined;
  const seen: string[] = [];
  const proxy = failingProxy(inner.port, (path) => {
    seen.push(path);
    return decide(path);
  });
  const address = `127.0.0.1:${await portOf(proxy)}`;
  return {
    address,
    /** The path of every request. */
    seen,
    /** @param rule - decides what happens to each request, by its path */
    fail: (rule: (path: string) => Failure) => {
      decide = rule;
    },
    /** Pushes the image under test, so that only the registry has it. @returns the repository */
    push: async (path: string, tag: string) => {
      const repository = `${address}/${path}`;
      await docker("tag", testImage(), `${repository}:${tag}`);
      await docker("push", "--quiet", `${repository}:${tag}`);
      await docker("rmi", `${repository}:${tag}`);
      return repository;
    },
    stop: async () => {
      proxy.closeAllConnections();
      proxy.close();
      inner.process.kill();
      if (inner.process.exitCode === null) await once(inner.process, "exit");
      remove();
    },
  };
}

export type FailingRegistry = Awaited<ReturnType<typeof registry>>;
