/**
 * npm run failover: measures one real failover and draws its timeline, docs/failover.svg: the
 * leader of 3 servers is killed while the KV store is written to, also through a client agent. The
 * figures are kept in script/chart/figures.json, from which npm run charts redraws the chart.
 */
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { Event } from "./chart/events.ts";
import { writeFigures } from "./chart/figures.ts";
import { takesNothing } from "./command-line.ts";
import { consulImage } from "./consul-image.ts";
import { prepareMachine } from "./machine.ts";
import { Job } from "./runner.ts";

const nodesSchema = z.array(
  z.object({ name: z.string(), container: z.string(), http: z.string() }),
);
const membersSchema = z.array(z.object({ Name: z.string(), Status: z.number() }));
/** Serf's number for a member that is alive. */
const alive = 1;

async function measure(): Promise<Event[]> {
  const job = new Job({});
  const ports = { "http-port": "0", "dns-port": "0", "grpc-port": "0" };
  const started = await job.main({ image: consulImage(), clients: "1", ...ports });
  try {
    if (started.exitCode !== 0) throw new Error(started.log);
    const nodes = nodesSchema.parse(JSON.parse(started.outputs.nodes ?? ""));
    const leader = nodes.find(({ name }) => name === started.outputs.leader);
    const client = nodes.find(({ name }) => name === "client-1");
    if (!leader || !client) throw new Error("no leader or no client");
    const follower = nodes.find(({ name }) => name.startsWith("server-") && name !== leader.name);
    if (!follower) throw new Error("no follower");
    return await watch(leader, follower.http, client.http);
  } finally {
    await job.post(started);
    job.dispose();
  }
}

async function watch(
  leader: { name: string; container: string },
  http: string,
  client: string,
): Promise<Event[]> {
  const old = await text(`${http}/v1/status/leader`);
  execFileSync("docker", ["kill", leader.container]);
  const killed = performance.now();
  const until = async (what: string, isTrue: () => Promise<boolean>): Promise<Event> => {
    while (!(await isTrue().catch(() => false))) await sleep(10);
    return { text: what, at: (performance.now() - killed) / 1000 };
  };
  // A client agent whose server is gone holds a request for seconds; a new request is faster.
  const write = async (through: string) => {
    const signal = AbortSignal.timeout(500);
    return (await fetch(`${through}/v1/kv/failover`, { method: "PUT", body: "x", signal })).ok;
  };
  const events = await Promise.all([
    until("another server is the leader", async () => {
      const now = await text(`${http}/v1/status/leader`);
      return now !== old && now !== '""';
    }),
    until("first write through a server", () => write(http)),
    until("first write through a client agent", () => write(client)),
    until(`gossip marks ${leader.name} as failed`, async () => {
      const members = membersSchema.parse(JSON.parse(await text(`${http}/v1/agent/members`)));
      return members.some(({ Name, Status }) => Name === leader.name && Status !== alive);
    }),
    until(`the catalog no longer lists ${leader.name} as passing`, async () => {
      const passing = await text(`${http}/v1/health/state/passing?consistent`);
      return !passing.includes(`"Node":"${leader.name}"`);
    }),
  ]);
  return [{ text: `${leader.name}, the leader, is killed`, at: 0 }, ...events];
}

async function text(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.text();
}

takesNothing(
  "npm run failover",
  "kills a leader, measures the failover, and draws docs/failover.svg",
);
prepareMachine();
const events = await measure();
for (const { at, text } of events) console.log(`${at.toFixed(2)} s  ${text}`);
console.log(`Written: ${writeFigures({ failover: events }).join(", ")}`);
