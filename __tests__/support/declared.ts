/** Whether a cluster has what its cluster file declares, checked without the action's own code. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { root } from "../../script/runner.ts";
import type { ClusterNode, Up } from "./cluster.ts";
import { ask, credentials, query } from "./later-step.ts";

const objects = z.array(z.record(z.string(), z.unknown())).default([]);
const fileSchema = z.object({
  services: z
    .array(z.object({ name: z.string(), id: z.string().optional(), node: z.string().optional() }))
    .default([]),
  kv: z.record(z.string(), z.string()).default({}),
  config_entries: z.array(z.looseObject({ Kind: z.string(), Name: z.string() })).default([]),
  acl: z.object({ policies: objects, roles: objects, tokens: objects }).optional(),
});

/** The last node of a datacenter: never the one that something was given to, if there are several. */
function lastOf(nodes: readonly ClusterNode[]): ClusterNode {
  const last = nodes.at(-1);
  if (!last) throw new Error("no nodes");
  return last;
}

const datacentersOf = ({ nodes }: Up) => [
  ...Map.groupBy(nodes, ({ datacenter }) => datacenter).values(),
];

const healthSchema = z.array(
  z.object({
    Node: z.object({ Node: z.string() }),
    Service: z.object({ ID: z.string() }),
    Checks: z.array(z.object({ ServiceID: z.string(), Status: z.string() })),
  }),
);

/**
 * The status of every check of each service that a file declares, asked through another node than
 * the one that the service is registered with. Undefined for a service that is not there.
 */
export function checksOf(text: string, cluster: Up): Promise<(string[] | undefined)[]> {
  const primary = datacentersOf(cluster)[0] ?? [];
  const first = primary.find(({ role }) => role === "client") ?? primary[0];
  const looks = fileSchema.parse(parse(text)).services.map(async ({ name, id = name, node }) => {
    const own = cluster.nodes.find((each) => each.name === (node ?? first?.name));
    if (!own) throw new Error(`no node ${node}`);
    const other = cluster.nodes.find((each) => each !== own) ?? own;
    const path = `/v1/health/service/${name}?dc=${own.datacenter}`;
    const instances = await query(cluster, other, path, healthSchema);
    const found = instances.find(
      ({ Node, Service }) => Node.Node === own.name && Service.ID === id,
    );
    return found?.Checks.filter(({ ServiceID }) => ServiceID === id).map(({ Status }) => Status);
  });
  return Promise.all(looks);
}

const keysSchema = z.array(z.object({ Key: z.string(), Value: z.string().nullable() }));

/** Every key of the primary datacenter with its value in base64, asked through its last node. */
export async function keysIn(cluster: Up): Promise<Map<string, string>> {
  const asked = lastOf(datacentersOf(cluster)[0] ?? []);
  const { status, body } = await ask(`${asked.http}/v1/kv/?recurse`, credentials(cluster));
  // Consul answers 404 if there is no key at all.
  if (status === 404) return new Map();
  const keys = keysSchema.parse(JSON.parse(body));
  return new Map(keys.map(({ Key, Value }) => [Key, Value ?? ""]));
}

const contentOf = (text: string) =>
  (text.startsWith("@") ? readFileSync(join(root, text.slice(1))) : Buffer.from(text)).toString(
    "base64",
  );

/** Fails unless a cluster has everything that a file declares, in every datacenter. */
export async function expectAllThere(text: string, cluster: Up): Promise<void> {
  const file = fileSchema.parse(parse(text));
  expect(await checksOf(text, cluster)).not.toContain(undefined);
  const declared = Object.entries(file.kv).map(([key, value]) => [key, contentOf(value)]);
  expect(Object.fromEntries(await keysIn(cluster))).toMatchObject(Object.fromEntries(declared));
  for (const nodes of datacentersOf(cluster)) {
    const asked = lastOf(nodes);
    for (const entry of file.config_entries) {
      const path = `/v1/config/${entry.Kind}/${entry.Name}`;
      expect(await query(cluster, asked, path, z.looseObject({}))).toMatchObject(entry);
    }
    for (const [kind, key] of [
      ["policies", "Name"],
      ["roles", "Name"],
      ["tokens", "Description"],
    ] as const) {
      const wanted = file.acl?.[kind] ?? [];
      if (wanted.length === 0) continue;
      const there = await query(cluster, asked, `/v1/acl/${kind}`, objects);
      const names = there.map((object) => object[key]);
      for (const object of wanted) expect(names).toContain(object[key] ?? "");
    }
  }
}
