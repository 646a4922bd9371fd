import { expect, test } from "vitest";
import * as z from "zod";
import { upgrade } from "../../support/actions.ts";
import { Writer } from "../../support/clients.ts";
import { tagged, twoVersions } from "../../support/images.ts";
import { query } from "../../support/later-step.ts";
import {
  allOverWan,
  eastServers,
  membersSchema,
  overWan,
  twoDatacenters,
} from "../../support/two-datacenters.ts";

test("an upgrade takes one datacenter after another, the primary first", async () => {
  const [older, newer] = await twoVersions();
  const cluster = await twoDatacenters({ image: older.image });
  try {
    // Each datacenter has a KV store of its own.
    const east = cluster.nodes.filter(({ datacenter }) => datacenter === "east");
    const writer = new Writer({ ...cluster, nodes: east });
    const [image = "", version = ""] = newer.image.split(/:(?=[^:/]+$)/);
    const result = await upgrade(cluster, { image, version });
    expect(result.exitCode, result.log).toBe(0);
    const order = [...result.log.matchAll(/(\S+) runs /g)].map(([, node = ""]) => node);
    expect(order.slice(0, 3).toSorted()).toEqual(eastServers);
    expect(order.slice(3)).toEqual(["east-client-1", "west-server-1", "west-client-1"]);
    for (const node of cluster.nodes) {
      const members = await query(cluster, node, "/v1/agent/members", membersSchema);
      for (const { Tags } of members) expect(Tags.build, node.name).toMatch(tagged(newer.version));
    }
    expect(z.array(z.string()).parse(JSON.parse(result.outputs.snapshot ?? ""))).toHaveLength(2);
    expect(eastServers).toContain(result.outputs.leader);
    expect(await writer.missing()).toEqual([]);
    expect(await overWan(cluster, "west-server-1")).toEqual(allOverWan);
  } finally {
    await cluster.down();
  }
}, 120_000);
