import { ConsulError } from "../consul/http.ts";
import { has } from "../consul/versions.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { servers } from "../ready/agents.ts";
import { logTimed } from "../runner/log.ts";

/**
 * Has a server hand over to another one if it is the leader and about to be replaced. The others would elect one
 * anyway, but only once they have missed this one for 1 to 2 s, in which nothing can be written. So an upgrade
 * goes on without it, too.
 *
 * @param others - the other agents of its datacenter
 */
export async function handOver(agent: FoundAgent, others: readonly FoundAgent[]): Promise<void> {
  if (agent.role === "client" || servers(others).length === 0) return;
  try {
    if (!(await isLeaderThatCan(agent))) return;
    await agent.consul.operator.transferLeadership();
    logTimed(`${agent.node} handed over to another leader`);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    logTimed(`${agent.node} did not hand over to another leader: ${error.message}`);
  }
}

async function isLeaderThatCan({ node, consul }: FoundAgent): Promise<boolean> {
  const [{ peers }, members] = await Promise.all([consul.raftPeersAsKnown(), consul.members()]);
  const own = members.find((member) => member.node === node);
  const isLeader = peers.some((peer) => peer.isLeader && peer.node === node);
  return isLeader && own !== undefined && has(own.version, "leadershipTransfer");
}
