/** Every action with every kind of target, on open and secured clusters side by side. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { StepResult } from "../../../script/runner.ts";
import { fastTimers, fault, ownJob, statesIn } from "../../support/actions.ts";
import { Writer } from "../../support/clients.ts";
import { type ClusterNode, type Up, up } from "../../support/cluster.ts";
import { engineHoldings } from "../../support/engine.ts";
import { ask, credentials, query } from "../../support/later-step.ts";

const security = { acl: "true", tls: "true", "gossip-encryption": "true" };

/** An action that breaks nodes, and the one that brings them back. */
interface Way {
  readonly action: "kill" | "stop" | "pause" | "isolate" | "restart";
  /** A node's state afterwards. */
  readonly state: string;
  /** The action that brings it back; empty if it comes back by itself. */
  readonly back: "start" | "resume" | "heal" | "";
}

const ways: readonly Way[] = [
  { action: "kill", state: "stopped", back: "start" },
  { action: "stop", state: "stopped", back: "start" },
  { action: "pause", state: "paused", back: "resume" },
  { action: "isolate", state: "isolated", back: "heal" },
  { action: "restart", state: "running", back: "" },
];

const servers = ["server-1", "server-2", "server-3"];
const clients = ["client-1", "client-2"];
const everyone = [...clients, ...servers];

/** A target, the nodes it selects, and the target that brings them back: by default the output `node`. */
interface Row {
  readonly target: string;
  readonly selects: (leader: string) => readonly string[];
  readonly backTarget?: string;
  /** Whether nodes that are killed lose their data as well. */
  readonly losesData?: true;
}

const followers = (leader: string) => servers.filter((name) => name !== leader);

const rows: readonly Row[] = [
  { target: "leader", selects: (leader) => [leader] },
  {
    target: "follower",
    selects: (leader) => followers(leader).slice(0, 1),
    backTarget: "server",
    losesData: true,
  },
  { target: "server", selects: () => ["server-1"], backTarget: "" },
  { target: "client", selects: () => ["client-1"], backTarget: "client", losesData: true },
  { target: "all-clients", selects: () => clients, backTarget: "all-clients", losesData: true },
  {
    target: "minority",
    selects: (leader) => followers(leader).slice(0, 1),
    backTarget: "",
  },
  { target: "majority", selects: (leader) => followers(leader) },
  { target: "server-2, client-1", selects: () => ["server-2", "client-1"], backTarget: "" },
];

const names = z.array(z.string());
/** The nodes that a step hit, from its output `node`. */
const namesOf = ({ outputs: { node = "" } }: StepResult) =>
  node.startsWith("[") ? names.parse(JSON.parse(node)) : [node];

/** Status of a member in Serf. */
const [alive, left] = [1, 3];
const membersSchema = z.array(z.object({ Name: z.string(), Status: z.number() }));
const peersSchema = z.object({
  Servers: z.array(z.object({ Node: z.string(), Voter: z.boolean(), Leader: z.boolean() })),
});

/** Names of the members of one status, as a node sees them. */
async function membersFor(cluster: Up, node: ClusterNode, status: number): Promise<string[]> {
  const members = await query(cluster, node, "/v1/agent/members", membersSchema);
  return members.flatMap(({ Name, Status }) => (Status === status ? [Name] : [])).sort();
}

const leaderFor = (cluster: Up, node: ClusterNode) =>
  query(cluster, node, "/v1/status/leader", z.string());

/** Fails unless every node sees every node alive and every server votes. @returns the leader */
async function expectWhole(cluster: Up, what: string): Promise<string> {
  for (const node of cluster.nodes)
    expect(await membersFor(cluster, node, alive), `${what}, as ${node.name} sees it`).toEqual(
      everyone,
    );
  const [first] = cluster.nodes;
  if (!first) throw new Error("no node");
  const peers = await query(cluster, first, "/v1/operator/raft/configuration", peersSchema);
  const voting = peers.Servers.filter(({ Voter }) => Voter).map(({ Node }) => Node);
  expect(voting.sort(), what).toEqual(servers);
  return peers.Servers.find(({ Leader }) => Leader)?.Node ?? "";
}

/** Fails unless the remaining nodes confirm the step's outputs. */
async function expectGone(cluster: Up, hit: readonly string[], { action }: Way, what: string) {
  for (const node of cluster.nodes.filter(({ name }) => !hit.includes(name))) {
    const said = `${what}, as ${node.name} sees it`;
    expect(await leaderFor(cluster, node), said).not.toBe("");
    expect(await membersFor(cluster, node, alive), said).toEqual(
      everyone.filter((name) => !hit.includes(name)),
    );
    if (action === "stop")
      expect(await membersFor(cluster, node, left), said).toEqual(hit.toSorted());
  }
}

/** Fails if the remaining nodes have a leader or accept a write. */
async function expectNoQuorum(cluster: Up, hit: readonly string[], what: string) {
  const remaining = cluster.nodes.filter(({ name }) => !hit.includes(name));
  for (const node of remaining.filter(({ role }) => role === "server"))
    expect(await leaderFor(cluster, node), `${what}, as ${node.name} sees it`).toBe("");
  const writes = remaining.map(async ({ http }) => {
    const taken = ask(`${http}/v1/kv/x`, { ...credentials(cluster), body: "x" });
    const late = sleep(1000, { status: 0 });
    return (await Promise.race([taken.catch(() => ({ status: 0 })), late])).status;
  });
  expect(await Promise.all(writes), what).not.toContain(200);
}

/** Runs the step, and compares its outputs with what the nodes report. */
async function breakThem(cluster: Up, way: Way, { target, selects }: Row, leader: string) {
  const { action, state, back } = way;
  const what = `${action} ${target}`;
  const hit = selects(leader);
  const stay = servers.filter((name) => !hit.includes(name));
  const isLed = target !== "majority" || action === "stop" || action === "restart";

  const step = await fault(cluster, action, target);
  expect(namesOf(step), what).toEqual(hit);
  expect(step.outputs.quorum, what).toBe(String(isLed));
  expect(statesIn(step), what).toEqual(
    Object.fromEntries(everyone.map((name) => [name, hit.includes(name) ? state : "running"])),
  );
  if (back === "") return;
  expect(isLed ? stay : [""], what).toContain(step.outputs.leader);
  if (isLed) await expectGone(cluster, hit, way, what);
  else await expectNoQuorum(cluster, hit, what);
  const alone = (node: ClusterNode) => node.role === "server" && hit.includes(node.name);
  for (const node of action === "isolate" ? cluster.nodes.filter(alone) : [])
    expect(await leaderFor(cluster, node), `${what}, asked from ${node.name}`).toBe("");
}

async function mendThem(cluster: Up, { action, back }: Way, row: Row, leader: string) {
  const what = `${back} after ${action} ${row.target}`;
  const hit = row.selects(leader);
  // The output `node` of one step is a target of the next.
  const target = row.backTarget ?? (hit.length === 1 ? hit.join() : JSON.stringify(hit));
  if (action === "kill" && row.losesData)
    expect(namesOf(await fault(cluster, "remove-data", target)), what).toEqual(hit);
  const step = await fault(cluster, back, target);
  expect(namesOf(step), what).toEqual(hit);
  expect(step.outputs.quorum, what).toBe("true");
}

let before: string[];
beforeAll(async () => {
  before = await engineHoldings();
});
afterAll(async () => {
  expect(await engineHoldings()).toEqual(before);
});

const kinds = { open: {}, secured: security };
/** What a target selects does not depend on the action, so synonyms are tried with one action only. */
const isDistinct = ({ target }: Row) =>
  ["leader", "follower", "client", "all-clients", "majority"].includes(target);
const targetsOf = (kind: string, { action }: Way) =>
  kind === "open" && action === "kill" ? rows : rows.filter(isDistinct);

/** Side by side, since most of the time is spent waiting for Consul's timers. */
const runs = Object.entries(kinds).flatMap(([kind, inputs]) =>
  [["kill", "restart"], ["stop"], ["pause", "isolate"]].map((actions) => ({
    name: `${kind}: ${actions.join(" and ")}`,
    inputs,
    tries: ways
      .filter(({ action }) => actions.includes(action))
      .flatMap((way) => targetsOf(kind, way).map((row) => ({ way, row }))),
  })),
);

describe("every node that is hit goes, the others notice, and it comes back whole", () => {
  test.concurrent.for(runs)("$name", { timeout: 600_000 }, async ({ inputs, tries }) => {
    const cluster = await up({ clients: "2", config: fastTimers, ...inputs }, ownJob());
    try {
      const writer = new Writer(cluster, 200);
      let leader = cluster.outputs.leader ?? "";
      for (const { way, row } of tries) {
        await breakThem(cluster, way, row, leader);
        if (way.back !== "") await mendThem(cluster, way, row, leader);
        leader = await expectWhole(cluster, `after ${way.action} ${row.target}`);
      }
      expect(await writer.missing()).toEqual([]);
      expect(writer.acknowledged.length).toBeGreaterThan(100);
    } finally {
      await cluster.down();
    }
  });
});
