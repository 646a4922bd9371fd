import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ContainerFacts } from "../../../src/docker/answers.ts";
import { Engine } from "../../../src/docker/engine.ts";
import { freePorts } from "../../../src/docker/ports.ts";
import { startForwarders } from "../../../src/find/forwarder.ts";
import { whileAllRun } from "../../../src/find/while-all-run.ts";
import { agent, facts, fakeDocker } from "./fixtures.ts";

const docker = new Engine(new AbortController().signal, () => {});
const name = "consul-c0ffee00-forwarder";

/** A node on another engine, which a forwarder leads to from this port. */
function forwarded(port: number) {
  const Labels = { ...facts.Config.Labels, "consul-cluster-action.forwarded": `http=${port}` };
  const publications = [{ name: "http", port, isFixed: true }] as const;
  const there = { ...facts, Config: { ...facts.Config, Labels } };
  return { ...agent("server-2"), facts: there, publications };
}

const bindings = (port: number) => ({
  ...facts.HostConfig,
  PortBindings: { [`${port}/tcp`]: [{ HostIp: "127.0.0.1", HostPort: String(port) }] },
});

/**
 * A forwarder that has exited, and one that runs.
 *
 * @param port - of the first
 * @param says - what it says when it is started again
 * @param ofOther - port of the second
 */
function exitedForwarder(port: number, says: string, ofOther = 2): string {
  const State = { ...facts.State, Status: "exited", Running: false, ExitCode: 137 };
  const folder = fakeDocker(`
    case "$1 $2" in
    "ps "*) echo ${name};;
    "context "*) echo unix:///var/run/docker.sock;;
    "container inspect") cat facts;;
    "logs "*) cat log;;
    "start "*) echo "$@" >>started; ${says};;
    "events "*) exec sleep 60;;
    esac`);
  writeFileSync(join(folder, "log"), "Forwarding\n");
  const exited = { ...facts, Name: name, State, HostConfig: bindings(port) };
  writeFacts(folder, exited, { ...facts, Name: `${name}-client-7`, HostConfig: bindings(ofOther) });
  return folder;
}

/** @returns a port that this process has until the test is over */
async function listen(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

const writeFacts = (folder: string, ...found: ContainerFacts[]) =>
  writeFileSync(join(folder, "facts"), JSON.stringify(found));

describe("the forwarder in later steps", () => {
  test("is not asked for if all agents are on one engine", async () => {
    fakeDocker("exit 1");
    await startForwarders(docker, "c0ffee00", [agent("server-1")]);
  });

  test("is started again, and waited for", async () => {
    const [port = 0] = await freePorts(1, new Set());
    const held = await listen();
    const folder = exitedForwarder(port, "echo Forwarding >>log", held);
    await startForwarders(docker, "c0ffee00", [forwarded(port), forwarded(held)]);
    expect(readFileSync(join(folder, "started"), "utf8")).toBe(`start ${name}\n`);
  });

  test("that exits again is shown with what it says", async () => {
    const [port = 0] = await freePorts(1, new Set());
    exitedForwarder(port, "echo no iptables >>log");
    await expect(startForwarders(docker, "c0ffee00", [forwarded(port)])).rejects.toThrow(
      /does not forward\.\nIts log:\n {2}no iptables$/,
    );
  });

  test("whose port is taken is not started: node, port, and holder are named", async () => {
    const port = await listen();
    const folder = exitedForwarder(port, "exit 1");
    await expect(startForwarders(docker, "c0ffee00", [forwarded(port)])).rejects.toThrow(
      new RegExp(`repeat this step\\.\\n {2}server-2: http at port ${port}, used by the process`),
    );
    expect(() => readFileSync(join(folder, "started"))).toThrow("ENOENT");
  });

  test("that somebody removed is named", async () => {
    exitedForwarder(3, "exit 1");
    await expect(startForwarders(docker, "c0ffee00", [forwarded(1)])).rejects.toThrow(
      /^server-2: on other engines, .* is gone\./,
    );
  });

  test("ends what needs it when it exits, and is not taken for an agent", async () => {
    const folder = exitedForwarder(1, "exit 1");
    const State = { ...facts.State, Running: false, ExitCode: 137 };
    const node = { ...forwarded(1), container: facts.Name };
    writeFacts(folder, facts, { ...facts, Name: name, State });
    const signal = new AbortController().signal;
    const watch = { docker, clusterId: "c0ffee00", agents: [node], signal };
    const work = (ended: AbortSignal) => sleep(60_000, undefined, { signal: ended });
    const failure = await whileAllRun(watch, work).catch((error: unknown) => error);
    expect(failure).toMatchObject({ title: `${name} exited` });
    expect(String(failure)).toContain("exited (exit code 137)");
    expect(String(failure)).toContain("log:\n  Forwarding");
  });
});
