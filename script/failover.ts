/**
 * node script/failover.ts: draws docs/failover.svg, the timeline of one failover, from a real run:
 * the leader of 3 servers is killed while a client agent's user writes to the KV store.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { consulImage } from "./consul-image.ts";
import { Job, root } from "./runner.ts";

const nodesSchema = z.array(
  z.object({ name: z.string(), container: z.string(), http: z.string() }),
);
const membersSchema = z.array(z.object({ Name: z.string(), Status: z.number() }));
/** Serf's number for a member that is alive. */
const alive = 1;

interface Event {
  readonly text: string;
  /** Seconds after the kill. */
  readonly at: number;
}

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
  // A client agent whose server is gone holds a request for seconds: who asks again is served sooner.
  const write = async (through: string) => {
    const signal = AbortSignal.timeout(500);
    return (await fetch(`${through}/v1/kv/failover`, { method: "PUT", body: "x", signal })).ok;
  };
  const events = await Promise.all([
    until("another server leads", async () => {
      const now = await text(`${http}/v1/status/leader`);
      return now !== old && now !== '""';
    }),
    until("first write through a server", () => write(http)),
    until("first write through a client agent", () => write(client)),
    until(`gossip takes ${leader.name} for failed`, async () => {
      const members = membersSchema.parse(JSON.parse(await text(`${http}/v1/agent/members`)));
      return members.some(({ Name, Status }) => Name === leader.name && Status !== alive);
    }),
    until(`the catalog no longer has ${leader.name} passing`, async () => {
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

/** The timeline as SVG: a row for each event, its dot where it happened. */
function draw(events: readonly Event[]): string {
  const sorted = events.toSorted((a, b) => a.at - b.at);
  const seconds = Math.ceil(Math.max(...sorted.map(({ at }) => at)));
  const [left, width, row] = [30, 640, 40];
  const x = (at: number) => Math.round(left + (at / seconds) * width);
  const height = sorted.length * row + 50;
  const ticks = Array.from({ length: seconds + 1 }, (_, second) => [
    `<line x1="${x(second)}" x2="${x(second)}" y1="10" y2="${height - 30}" stroke="#8884"/>`,
    `<text x="${x(second)}" y="${height - 10}" text-anchor="middle">${second} s</text>`,
  ]).flat();
  const dots = sorted.flatMap(({ text, at }, index) => {
    const y = 30 + index * row;
    // Beyond the middle, words stand before their dot.
    const isLate = at > seconds / 2;
    const place = isLate ? `x="${x(at) - 12}" text-anchor="end"` : `x="${x(at) + 12}"`;
    return [
      `<circle cx="${x(at)}" cy="${y}" r="6" fill="#dc477d"/>`,
      `<text ${place} y="${y + 4}">${at.toFixed(1)} s: ${text}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left * 2 + width} ${height}" font-family="sans-serif" font-size="13" fill="#888"><title>A failover: the leader is killed, another leads, writes go on, the dead server is noticed</title>`,
    ...ticks,
    ...dots,
    "</svg>",
    "",
  ].join("\n");
}

const events = await measure();
for (const { at, text } of events) console.log(`${at.toFixed(2)} s  ${text}`);
writeFileSync(join(root, "docs/failover.svg"), draw(events));
