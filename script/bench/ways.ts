import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import pLimit from "p-limit";
import * as z from "zod";
import { freePorts } from "../../src/docker/ports.ts";
import type { AgentPlan, ClusterPlan } from "../../src/plan/plan.ts";
import { Job } from "../runner.ts";
import { docker, run, timed } from "./docker.ts";
import { type Phase, phasesIn } from "./phases.ts";
import { inputsOf, inputsWith, networkOf, planOf, runArguments, untilGatesHold } from "./target.ts";

/** What a variant took. Milliseconds. */
export interface Sample {
  readonly up: number;
  /** Undefined for a step on a running cluster. */
  readonly down?: number;
  /** Of the action only: its timeline, and the peak memory of its process. */
  readonly phases?: readonly Phase[];
  readonly megabytes?: number;
}

/** What one start and removal of a cluster took. */
interface Lifetime extends Sample {
  readonly down: number;
}

/** A way to start a cluster. */
export interface Way {
  readonly name: string;
  readonly title: string;
  readonly agents: number;
  measure(): Promise<Sample>;
}

/** Milliseconds between two requests of a variant that polls by itself. */
const pause = 25;

/**
 * This action: from the start of the main step's process to its end; then the post step's.
 *
 * @param more - inputs
 */
export const action = (
  image: string,
  servers: number,
  clients: number,
  more: Readonly<Record<string, string>> = {},
): Promise<Lifetime> => measure({ ...inputsOf(image, servers, clients), ...more });

async function measure(inputs: Readonly<Record<string, string>>): Promise<Lifetime> {
  const job = new Job();
  const main = job.start(inputs);
  const memory = watchMemory(main.process.pid ?? 0);
  const up = await main.result;
  const megabytes = memory.stop();
  const down = await job.post();
  job.dispose();
  if (up.exitCode !== 0 || down.exitCode !== 0) throw new Error(`${up.log}${down.log}`);
  const times = { up: up.milliseconds, down: down.milliseconds, phases: phasesIn(up.log) };
  return { ...times, ...(megabytes && { megabytes }) };
}

/** This action with several datacenters: servers and clients of each by its name. */
export function datacenters(
  image: string,
  sizes: Readonly<Record<string, readonly [servers: number, clients: number]>>,
): Promise<Lifetime> {
  const each = Object.entries(sizes).map(([name, [servers, clients]]) => ({
    name,
    servers,
    clients,
  }));
  return measure({ ...inputsWith(image), cluster: JSON.stringify({ datacenters: each }) });
}

/** Watches a process's peak memory until it ends. On Linux only. */
function watchMemory(pid: number): { stop(): number } {
  let megabytes = 0;
  const timer = setInterval(() => {
    try {
      const [, kilobytes] =
        /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      megabytes = Math.max(megabytes, Number(kilobytes ?? 0) / 1024);
    } catch {
      // The process has ended, or this is not Linux.
    }
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return megabytes;
    },
  };
}

/** The lower bound: the same containers by `docker run`, eight at a time, and nothing else. */
export async function bare(image: string, servers: number, clients: number): Promise<Lifetime> {
  const plan = await planOf(image, servers, clients);
  const limit = pLimit(8);
  return upAndDown(plan, async () => {
    await docker("network", "create", ...networkOf(plan));
    const started = plan.agents.map((agent) => limit(() => runDetached(plan, agent)));
    const serversRun = Promise.all(started.slice(0, servers));
    await Promise.all([...started, untilGatesHold(plan, serversRun)]);
  });
}

function runDetached(plan: ClusterPlan, agent: AgentPlan, ...more: readonly string[]) {
  const { options, command } = runArguments(plan, agent);
  return docker(
    "run",
    "-d",
    "--pull=never",
    ...options,
    plan.prerequisites.image.reference,
    ...command,
    ...more,
  );
}

async function remove(plan: ClusterPlan): Promise<void> {
  await docker("rm", "-fv", ...plan.agents.map(({ container }) => container));
  await docker("network", "rm", plan.network);
}

/** Measures a start and then the removal, which also follows a failed start. */
async function upAndDown(
  plan: ClusterPlan,
  start: () => Promise<void>,
  stop: () => Promise<unknown> = () => remove(plan),
): Promise<Lifetime> {
  const up = await timed(start).catch(async (error) => {
    await stop();
    throw error;
  });
  return { up: up.time, down: (await timed(stop)).time };
}

/**
 * The script found on many web pages: `-bootstrap` on the first server, then one agent after
 * another with `-join` and an address from `consul members`, without the action's settings. It is
 * done when every server is a voter.
 */
export async function byHand(image: string, servers: number, clients: number): Promise<Lifetime> {
  const plan = await planOf(image, servers, clients);
  const [first, ...others] = plan.agents;
  if (!first) throw new Error("a cluster has at least one server");
  const start = (agent: AgentPlan, ...flags: string[]) => {
    const { options } = runArguments(plan, agent);
    const role = agent.role === "server" ? ["-server", "-ui"] : [];
    const command = ["agent", `-node=${agent.node}`, "-client=0.0.0.0", ...role, ...flags];
    return docker("run", "-d", "--pull=never", ...options, image, ...command);
  };
  return upAndDown(plan, async () => {
    await docker("network", "create", ...networkOf(plan));
    await start(first, "-bootstrap");
    const address = await firstMember(first);
    for (const agent of others) await start(agent, `-join=${address}`);
    await untilGatesHold(plan, Promise.resolve());
  });
}

async function firstMember({ container }: AgentPlan): Promise<string> {
  for (;;) {
    const members = await docker("exec", container, "consul", "members").catch(() => "");
    const [, address] = /(\d+\.\d+\.\d+\.\d+):8301/.exec(members) ?? [];
    if (address) return address;
    await sleep(pause);
  }
}

/** Docker Compose with all of the action's settings. @param command - `docker compose` or `docker-compose` */
export async function compose(
  command: readonly string[],
  image: string,
  servers: number,
  clients: number,
): Promise<Lifetime> {
  const plan = await planOf(image, servers, clients);
  const file = `${process.env.TMPDIR ?? "/tmp"}/compose-${plan.prerequisites.clusterId}.json`;
  writeFileSync(file, JSON.stringify(composeFile(plan)));
  const [program = "", ...args] = [
    ...command,
    "-p",
    `bench${plan.prerequisites.clusterId}`,
    "-f",
    file,
  ];
  const start = async () => {
    const started = run(program, ...args, "up", "-d");
    await Promise.all([started, untilGatesHold(plan, started)]);
  };
  try {
    return await upAndDown(plan, start, () => run(program, ...args, "down", "--volumes"));
  } finally {
    rmSync(file);
  }
}

function composeFile(plan: ClusterPlan) {
  const service = (agent: AgentPlan) => {
    const { options, command } = runArguments(plan, agent);
    return {
      image: plan.prerequisites.image.reference,
      container_name: agent.container,
      hostname: agent.node,
      environment: { CONSUL_BIND_INTERFACE: "eth0" },
      // Compose reads a dollar sign as the start of a variable.
      command: command.map((argument) => argument.replaceAll("$", "$$$$")),
      ports: valuesOf("publish", options),
      networks: { default: { aliases: valuesOf("network-alias", options) } },
    };
  };
  const services = plan.agents.map((agent) => [agent.node, service(agent)]);
  return { version: "3.8", services: Object.fromEntries(services) };
}

function valuesOf(option: string, options: readonly string[]): string[] {
  const prefix = `--${option}=`;
  return options.filter((each) => each.startsWith(prefix)).map((each) => each.slice(prefix.length));
}

/** @returns the command for Compose on this machine; undefined if it isn't installed */
export async function findCompose(): Promise<readonly string[] | undefined> {
  for (const command of [["docker", "compose"], ["docker-compose"]]) {
    const [program = "", ...args] = command;
    const isThere = await run(program, ...args, "version").then(
      () => true,
      () => false,
    );
    if (isThere) return command;
  }
  return undefined;
}

/** One server by hand: `agent -dev`, polled until a key can be written. */
export async function dev(image: string): Promise<Lifetime> {
  const [port = 0] = await freePorts(1, new Set());
  const publish = `--publish=127.0.0.1:${port}:8500`;
  const { time: up, result: container } = await timed(async () => {
    const id = await docker(
      "run",
      "-d",
      "--pull=never",
      publish,
      image,
      "agent",
      "-dev",
      "-client=0.0.0.0",
    );
    while (!(await canWrite(`127.0.0.1:${port}`))) await sleep(pause);
    return id;
  });
  const { time: down } = await timed(() => docker("rm", "-fv", container));
  return { up, down };
}

async function canWrite(address: string): Promise<boolean> {
  try {
    const answer = await fetch(`http://${address}/v1/kv/bench`, { method: "PUT", body: "1" });
    return answer.ok && z.boolean().parse(await answer.json());
  } catch {
    // The agent does not listen yet.
    return false;
  }
}
