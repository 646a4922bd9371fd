/** Partitions of a secured cluster of two datacenters, within one and between them. */

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { root } from "../../../script/runner.ts";
import { fault, hastyTimers, sidesIn, statesIn } from "../../support/actions.ts";
import { nodeOf, type Up } from "../../support/cluster.ts";
import { engineHoldings } from "../../support/engine.ts";
import { ask, credentials, query } from "../../support/later-step.ts";
import {
  allOverWan,
  eastServers,
  membersSchema,
  overWan,
  twoDatacenters,
} from "../../support/two-datacenters.ts";

/**
 * Without client agents: if a client's server is on another side, and it asks that server about a token,
 * it hangs until the connection's keep-alive gives up (yamux, 30 s).
 */
const file = `
datacenters:
  - { name: east, servers: 3 }
  - { name: west, servers: 1 }
`;

/** Docker commands take seconds each on a machine that is busy. */
const patience = { timeout: 180_000 };

const everyone = [...eastServers, "west-server-1"];

let before: string[];
let cluster: Up;

const leaderFor = (node: string) =>
  query(cluster, nodeOf(cluster, node), "/v1/status/leader", z.string());

async function aliveFor(node: string): Promise<string[]> {
  const members = await query(cluster, nodeOf(cluster, node), "/v1/agent/members", membersSchema);
  return members.flatMap(({ Name, Status }) => (Status === 1 ? [Name] : [])).sort();
}

/** Status of an answer through a node, 0 if there is none in time. */
function statusThrough(node: string, path: string, body?: string, patience = 10_000) {
  const url = `${nodeOf(cluster, node).http}${path}`;
  const answer = ask(url, { ...credentials(cluster), ...(body !== undefined && { body }) });
  return Promise.race([
    answer.then(
      ({ status }) => status,
      () => 0,
    ),
    sleep(patience, 0),
  ]);
}

async function heal() {
  const healed = await fault(cluster, "heal");
  expect(new Set(Object.values(statesIn(healed)))).toEqual(new Set(["running"]));
  for (const node of eastServers) expect(await aliveFor(node), node).toEqual(eastServers);
  expect(await statusThrough("east-server-1", "/v1/kv/healed", "x")).toBe(200);
  expect(await overWan(cluster, "west-server-1")).toEqual(allOverWan);
}

beforeAll(async () => {
  before = await engineHoldings();
  cluster = await twoDatacenters({ cluster: file, config: hastyTimers });
});
afterAll(async () => {
  await cluster.down();
  expect(await engineHoldings()).toEqual(before);
});

describe("a partition", () => {
  test("leaves the old leader alone, and the others elect another", patience, async () => {
    const groups = "leader | others";
    const split = await fault(cluster, "partition", "", { groups, datacenter: "east" });
    const [alone, others] = sidesIn(split);
    const old = alone?.nodes.join() ?? "";
    const rest = eastServers.filter((name) => name !== old);
    expect(alone).toEqual({ nodes: [old], leader: "" });
    expect(others?.nodes.toSorted()).toEqual(everyone.filter((name) => name !== old));
    expect(rest).toContain(others?.leader);
    expect(split.outputs).toMatchObject({ leader: others?.leader, quorum: "true" });
    expect(new Set(Object.values(statesIn(split)))).toEqual(new Set(["partitioned"]));

    expect(await leaderFor(old)).toBe("");
    expect(await aliveFor(old)).toEqual([old]);
    for (const node of rest) {
      expect(await leaderFor(node), node).not.toBe("");
      expect(await aliveFor(node), node).toEqual(rest);
    }
    const [other = ""] = rest;
    expect(await statusThrough(other, "/v1/kv/split", "x")).toBe(200);
    expect(await statusThrough(old, "/v1/kv/split", "y", 1000)).not.toBe(200);
    expect(await statusThrough(old, "/v1/kv/split?stale")).not.toBe(200);

    const refused = await cluster.job.main(
      { action: "kill", target: "west-server-1" },
      join(root, "fault"),
    );
    expect(refused.exitCode).toBe(1);
    expect(refused.log).toContain("`heal` it before `kill`");
    await heal();
    expect(await statusThrough(old, "/v1/kv/split")).toBe(200);
  });

  test("into sides that are all too small has no leader until it is healed", patience, async () => {
    const groups = "east-server-1 | east-server-2 | others";
    const split = await fault(cluster, "partition", "", { groups });
    expect(sidesIn(split).map(({ leader }) => leader)).toEqual(["", "", ""]);
    expect(split.outputs).toMatchObject({ leader: "", quorum: "false" });
    expect(await aliveFor("east-server-2")).toEqual(["east-server-2"]);
    await heal();
  });

  test("between datacenters leaves both their leaders, and no query passes", patience, async () => {
    const path = "/v1/catalog/nodes?dc=west";
    expect(await statusThrough("east-server-1", path)).toBe(200);
    const split = await fault(cluster, "partition", "", { groups: "others | west-server-1" });
    expect(split.outputs).toMatchObject({ quorum: "true" });
    for (const node of ["east-server-1", "west-server-1"])
      expect(await leaderFor(node), node).not.toBe("");
    expect(await statusThrough("east-server-1", path, undefined, 2000)).not.toBe(200);
    await heal();
    expect(await statusThrough("east-server-1", path)).toBe(200);
  });
});
