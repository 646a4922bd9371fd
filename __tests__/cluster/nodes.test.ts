/** Clusters whose nodes are not all alike: key `nodes` of the cluster file. */
import { expect, test } from "vitest";
import { stringify } from "yaml";
import * as z from "zod";
import { ownJob, upgrade } from "../support/actions.ts";
import { nodeOf, testInputs, type Up, up } from "../support/cluster.ts";
import { docker } from "../support/engine.ts";
import { tagged, threeVersions } from "../support/images.ts";
import { query } from "../support/later-step.ts";
import { RecordedJob } from "../support/record.ts";

const membersSchema = z.array(
  z.object({ Name: z.string(), Tags: z.object({ build: z.string() }) }),
);

/** The version of each node, as a client sees it. */
async function versionsIn(cluster: Up): Promise<Record<string, string>> {
  const client = nodeOf(cluster, "client-1");
  const members = await query(cluster, client, "/v1/agent/members", membersSchema);
  return Object.fromEntries(
    members.map(({ Name, Tags }) => [Name, Tags.build.replace(/[:+].*/, "")]),
  );
}

const catalogSchema = z.array(
  z.object({ Node: z.string(), Meta: z.record(z.string(), z.string()).nullish() }),
);

/** Each node's `rack`, in its metadata and in its environment. */
async function racksIn(cluster: Up): Promise<Record<string, readonly (string | undefined)[]>> {
  const client = nodeOf(cluster, "client-1");
  const nodes = await query(cluster, client, "/v1/catalog/nodes", catalogSchema);
  const racks = nodes.map(async ({ Node, Meta }) => {
    const { container } = nodeOf(cluster, Node);
    const env = await docker(
      "inspect",
      "--format={{range .Config.Env}}{{println .}}{{end}}",
      container,
    );
    return [Node, [Meta?.rack, /^RACK=(.*)$/m.exec(env)?.[1]]] as const;
  });
  return Object.fromEntries(await Promise.all(racks));
}

const idOf = (cluster: Up, node: string) =>
  docker("inspect", "--format={{.Id}}", nodeOf(cluster, node).container);

test("a secured cluster in the middle of an upgrade, which goes on from there", async () => {
  const [older, newer] = await threeVersions();
  if (!older || !newer) throw new Error("no versions");
  const [, tag = ""] = newer.image.split(":");
  const text = stringify({
    image: older.image,
    datacenters: [{ name: "dc1", servers: 3, clients: 1 }],
    acl: true,
    gossip_encryption: true,
    nodes: {
      "server-2": { version: tag, config: { node_meta: { rack: "b" } }, env: { RACK: "own" } },
      "server-3": { version: tag },
      "client-1": { config: { node_meta: { rack: "c" } } },
    },
  });
  const cluster = await up({ cluster: text, env: "RACK=all", image: "hashicorp/consul" }, ownJob());
  try {
    const racks = {
      "server-1": [undefined, "all"],
      "server-2": ["b", "own"],
      "server-3": [undefined, "all"],
      "client-1": ["c", "all"],
    };
    expect(await versionsIn(cluster)).toEqual({
      "server-1": tagged(older.version),
      "server-2": tagged(newer.version),
      "server-3": tagged(newer.version),
      "client-1": tagged(older.version),
    });
    expect(await racksIn(cluster)).toEqual(racks);

    expect(cluster.outputs.version).toBe(older.version);
    const { summary, log: startLog } = cluster.result;
    expect(summary).toContain(`### Consul ${older.version} and ${newer.version}: `);
    expect(startLog).toContain(`Start 4 agents from ${older.image} and ${newer.image}`);

    const [done, due] = [await idOf(cluster, "server-2"), await idOf(cluster, "client-1")];
    const { exitCode, log } = await upgrade(cluster, { version: tag });
    expect(exitCode, log).toBe(0);
    for (const node of ["server-2", "server-3"])
      expect(log).toContain(`${node} runs ${newer.version} already`);
    expect([...new Set(Object.values(await versionsIn(cluster)))]).toEqual([tagged(newer.version)]);
    expect(await racksIn(cluster)).toEqual(racks);
    expect(await idOf(cluster, "server-2")).toBe(done);
    expect(await idOf(cluster, "client-1")).not.toBe(due);
  } finally {
    await cluster.down();
  }
}, 120_000);

test("what Consul refuses in a node's configuration is reported before anything starts", async () => {
  const job = new RecordedJob();
  const text = `datacenters: [{ name: dc1, servers: 1, clients: 2 }]
config: { log_level: debug }
nodes:
  client-1: { config: { node_meta: { rack: a } } }
  client-2: { config: { retry_maxx: 3 } }
`;
  const { exitCode, log } = await job.main(testInputs({ cluster: text }));
  await job.post();
  job.dispose();
  expect(exitCode).toBe(1);
  expect(log.match(/^::error.*$/gm)).toEqual([
    expect.stringMatching(
      /::Input `cluster`:5:3: Consul \(\S+\) refused client-2's configuration, to which `nodes` adds: .*retry_maxx/,
    ),
  ]);
  expect(log).not.toContain("Start");
});
