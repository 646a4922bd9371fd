/** Every action with every sort of target, on open and secured clusters side by side. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { fault, ownJob, statesIn, Writer } from "../fault-steps.ts";
import { ask, credentials } from "../secured.ts";
import { type ClusterNode, engineHoldings, type Up, up } from "../support.ts";

/**
 * Consul's own clocks, faster: what is tested is that steps wait for them, not how long they are.
 * Without the cleanup a server that was killed keeps its vote, and needs no round of autopilot.
 */
const fastClocks = `
  gossip_lan { probe_interval = "300ms", probe_timeout = "200ms" }
  performance { leave_drain_time = "100ms" }
  autopilot { cleanup_dead_servers = false }
`;

const security = { acl: "true", tls: "true", "gossip-encryption": "true" };

/** A way to break nodes, and how they come back. */
interface Way {
  readonly action: "kill" | "stop" | "pause" | "isolate" | "restart";
  /** How a node is afterwards. */
  readonly state: string;
  /** What brings it back; empty where it comes back by itself. */
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

/** A target, whom it means, and the target by which those are brought back: by default the output `node`. */
interface Row {
  readonly target: string;
  readonly means: (leader: string) => readonly string[];
  readonly backTarget?: string;
  /** Whether those who are killed lose their data as well. */
  readonly losesData?: true;
}

const followers = (leader: string) => servers.filter((name) => name !== leader);

const rows: readonly Row[] = [
  { target: "leader", means: (leader) => [leader] },
  {
    target: "follower",
    means: (leader) => followers(leader).slice(0, 1),
    backTarget: "server",
    losesData: true,
  },
  { target: "server", means: () => ["server-1"], backTarget: "" },
  { target: "client", means: () => ["client-1"], backTarget: "client", losesData: true },
  { target: "all-clients", means: () => clients, backTarget: "all-clients", losesData: true },
  { target: "minority", means: (leader) => followers(leader).slice(0, 1), backTarget: "" },
  { target: "majority", means: (leader) => followers(leader) },
  { target: "server-2, client-1", means: () => ["server-2", "client-1"], backTarget: "" },
];

const names = z.array(z.string());
const hitBy = (node: string) => (node.startsWith("[") ? names.parse(JSON.parse(node)) : [node]);

const membersSchema = z.array(z.object({ Name: z.string(), Status: z.number() }));
const peersSchema = z.object({
  Servers: z.array(z.object({ Node: z.string(), Voter: z.boolean(), Leader: z.boolean() })),
});

/** What a client of one node's API gets, in an open or a secured cluster. */
async function get<T>(cluster: Up, { http }: ClusterNode, path: string, schema: z.ZodType<T>) {
  const { status, body } = await ask(`${http}${path}`, credentials(cluster));
  expect(status, `${http}${path}: ${body}`).toBe(200);
  return schema.parse(JSON.parse(body));
}

async function aliveFor(cluster: Up, node: ClusterNode): Promise<string[]> {
  const members = await get(cluster, node, "/v1/agent/members", membersSchema);
  return members.flatMap(({ Name, Status }) => (Status === 1 ? [Name] : [])).sort();
}

const leaderFor = (cluster: Up, node: ClusterNode) =>
  get(cluster, node, "/v1/status/leader", z.string());

/** Each of the cluster's nodes is an alive member for each, every server votes, and one leads. */
async function expectWhole(cluster: Up, what: string): Promise<string> {
  for (const node of cluster.nodes)
    expect(await aliveFor(cluster, node), `${what}, as ${node.name} sees it`).toEqual(everyone);
  const [first] = cluster.nodes;
  if (!first) throw new Error("no node");
  const peers = await get(cluster, first, "/v1/operator/raft/configuration", peersSchema);
  const voting = peers.Servers.filter(({ Voter }) => Voter).map(({ Node }) => Node);
  expect(voting.sort(), what).toEqual(servers);
  return peers.Servers.find(({ Leader }) => Leader)?.Node ?? "";
}

/** Who remains says the same of it as the step's outputs. */
async function expectGone(cluster: Up, hit: readonly string[], isLed: boolean, what: string) {
  for (const node of cluster.nodes.filter(({ name }) => !hit.includes(name))) {
    const said = `${what}, as ${node.name} sees it`;
    if (isLed) {
      expect(await leaderFor(cluster, node), said).not.toBe("");
      expect(await aliveFor(cluster, node), said).toEqual(
        everyone.filter((name) => !hit.includes(name)),
      );
    } else if (node.name.startsWith("server"))
      expect(await leaderFor(cluster, node), said).toBe("");
  }
}

async function breakAndMend(cluster: Up, way: Way, row: Row, leader: string): Promise<void> {
  const { action, state, back } = way;
  const what = `${action} ${row.target}`;
  const means = row.means(leader);
  const isLed = row.target !== "majority" || action === "stop" || action === "restart";

  const broken = await fault(cluster, action, row.target);
  const { node = "", leader: leaderNow = "", quorum } = broken.outputs;
  expect(hitBy(node), what).toEqual(means);
  expect(quorum, what).toBe(String(isLed));
  expect(statesIn(broken), what).toEqual(
    Object.fromEntries(everyone.map((name) => [name, means.includes(name) ? state : "running"])),
  );
  if (back === "") return;
  if (isLed)
    expect(
      servers.filter((name) => !means.includes(name)),
      what,
    ).toContain(leaderNow);
  else expect(leaderNow, what).toBe("");
  await expectGone(cluster, means, isLed, what);
  if (action === "isolate")
    for (const node of cluster.nodes.filter(
      ({ name }) => means.includes(name) && servers.includes(name),
    ))
      expect(await leaderFor(cluster, node), `${what}, asked from ${node.name}`).toBe("");

  const backTarget = row.backTarget ?? node;
  if (action === "kill" && row.losesData)
    expect(hitBy((await fault(cluster, "remove-data", backTarget)).outputs.node ?? "")).toEqual(
      means,
    );
  const mended = await fault(cluster, back, backTarget);
  expect(hitBy(mended.outputs.node ?? ""), `${back} after ${what}`).toEqual(means);
  expect(mended.outputs.quorum, `${back} after ${what}`).toBe("true");
}

let before: string[];
beforeAll(async () => {
  before = await engineHoldings();
});
afterAll(async () => {
  expect(await engineHoldings()).toEqual(before);
});

const kinds = { open: {}, secured: security };
/** Side by side, since nearly all of the time goes to waiting for Consul's clocks. */
const runs = Object.entries(kinds).flatMap(([kind, inputs]) => [
  { kind, inputs, actions: ["kill", "restart"] },
  { kind, inputs, actions: ["stop", "pause", "isolate"] },
]);

describe("who is hit goes, who remains notices, and all is as before when they are back", () => {
  test.concurrent.for(runs)(
    "$kind: $actions, each target",
    { timeout: 400_000 },
    async ({ inputs, actions }) => {
      const cluster = await up({ clients: "2", config: fastClocks, ...inputs }, ownJob());
      try {
        let leader = cluster.outputs.leader ?? "";
        const writer = new Writer(cluster);
        for (const way of ways.filter(({ action }) => actions.includes(action)))
          for (const row of rows) {
            const started = performance.now();
            await breakAndMend(cluster, way, row, leader);
            leader = await expectWhole(cluster, `after ${way.action} ${row.target}`);
            if (process.env.TIMES)
              console.log(
                Object.keys(inputs).length ? "secured" : "open",
                way.action,
                row.target,
                Math.round(performance.now() - started),
              );
          }
        expect(await writer.missing()).toEqual([]);
        expect(writer.acknowledged.length).toBeGreaterThan(100);
      } finally {
        await cluster.down();
      }
    },
  );
});
