import type { Consul } from "../consul/consul.ts";
import { agentPolicy } from "../plan/security-config.ts";
import { type AgentClient, answerOf } from "../ready/agents.ts";
import type { WaitLimits } from "../runner/poll.ts";
import type { Unfinished } from "./step.ts";

/**
 * Removes the ACL token and the policy of an agent that is gone. What is not there is fine.
 *
 * @param server - a server of the primary datacenter
 * @throws ActionError with the last answer when time is up
 */
export async function forgetToken(
  server: AgentClient,
  { agent: { node }, secret }: Unfinished,
  patience: WaitLimits,
): Promise<void> {
  if (secret === undefined) return;
  const forget = async ({ acl }: Consul) => {
    const token = await acl.tokenOf(secret);
    // Up to Consul 1.4, agents have legacy tokens, which have no policies.
    if (token?.Legacy === true) return acl.removeLegacyToken(secret);
    if (typeof token?.AccessorID === "string") await acl.removeObject("token", token.AccessorID);
    const policies = await acl.objects("policy");
    const id = policies.find(({ Name }) => Name === agentPolicy(node))?.ID;
    if (typeof id === "string") await acl.removeObject("policy", id);
  };
  await answerOf(server, `remove the ACL token of ${node}`, forget, patience);
}
