/** A secured cluster of two datacenters. */
import * as z from "zod";
import { fastTimers, ownJob } from "./actions.ts";
import { nodeOf, type Up, up } from "./cluster.ts";
import { query } from "./later-step.ts";

const file = `
datacenters:
  - { name: east, servers: 3, clients: 1 }
  - { name: west, servers: 1, clients: 1 }
`;
export const eastServers = ["east-server-1", "east-server-2", "east-server-3"];
/** Every server, as members over WAN are named. */
export const allOverWan = [...eastServers.map((name) => `${name}.east`), "west-server-1.west"];

export function twoDatacenters(inputs: Readonly<Record<string, string>> = {}): Promise<Up> {
  const security = { acl: "true", tls: "true", "gossip-encryption": "true" };
  return up({ cluster: file, config: fastTimers, ...security, ...inputs }, ownJob());
}

export const membersSchema = z.array(
  z.object({ Name: z.string(), Status: z.number(), Tags: z.object({ build: z.string() }) }),
);
/** Serf's number for a member that is alive. */
const alive = 1;

/** Names of the servers of all datacenters that a server sees alive over WAN. */
export async function overWan(cluster: Up, node: string): Promise<string[]> {
  const path = "/v1/agent/members?wan=1";
  const members = await query(cluster, nodeOf(cluster, node), path, membersSchema);
  return members.flatMap(({ Name, Status }) => (Status === alive ? [Name] : [])).sort();
}
