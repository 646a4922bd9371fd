import { ConsulError } from "../consul/http.ts";
import { type FoundAgent, isUp } from "../find/existing-cluster.ts";
import { servers } from "../ready/agents.ts";
import { logTimed } from "../runner/log.ts";
import { type FaultStep, includes } from "./step.ts";

/**
 * Tells nodes that were away to join again. Otherwise gossip tries a node that it sees as failed
 * only every 30 s (Serf's `ReconnectInterval`), and never one that was removed.
 */
export async function rejoin({ hit, cluster }: FaultStep): Promise<void> {
  const able = servers(cluster.agents).filter((agent) => isUp(agent) || includes(hit, agent));
  const joins = hit.map(async (agent) => {
    const others = able.filter(({ node }) => node !== agent.node);
    const isHere = ({ datacenter }: FoundAgent) => datacenter === agent.datacenter;
    await joinFirst(agent, others.filter(isHere), "lan");
    const isJoined = ({ federation }: FoundAgent) => federation === agent.federation;
    const elsewhere = others.filter((other) => !isHere(other) && isJoined(other));
    if (agent.role === "server") await joinFirst(agent, elsewhere, "wan");
  });
  await Promise.all(joins);
}

/** Joins the first of these servers that can be joined. */
async function joinFirst(agent: FoundAgent, others: readonly FoundAgent[], pool: "lan" | "wan") {
  for (const { node, ip } of others) {
    const error = await agent.consul.join(ip, pool).catch((reason: unknown) => reason);
    if (error === undefined) return;
    if (!(error instanceof ConsulError)) throw error;
    logTimed(`${agent.node} could not join ${node} (${ip}): ${error.message}`);
  }
}
