import { differences, has } from "../consul/versions.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { agentPolicy, agentRules } from "../plan/security-config.ts";
import { byFederation } from "../ready/agents.ts";
import { askOrFail } from "./refusals.ts";
import { firstOf, type UpgradeStep, type UpgradeTarget } from "./step.ts";

/**
 * Lets the agents' tokens do what agents of the new version ask for. Older versions accept these rules,
 * too, so this is done before the first agent is replaced. Does nothing in a cluster without tokens of
 * the action, or if the version asks for nothing new.
 *
 * @throws ActionError if Consul refuses a request
 */
export async function updateAgentPolicies(
  step: UpgradeStep,
  { version }: UpgradeTarget,
): Promise<void> {
  const { agents, credentials } = step.cluster;
  if (credentials.token === undefined || !has(version, "featureGates")) return;
  for (const joined of byFederation(agents).values()) await updateThere(step, joined, version);
}

/** @param agents - of datacenters that have their ACLs in common */
async function updateThere(
  step: UpgradeStep,
  agents: readonly FoundAgent[],
  version: string,
): Promise<void> {
  const { clusterId } = step.cluster;
  await askOrFail(step, firstOf(agents), "an update of the agents' policies", async ({ acl }) => {
    const policies = await acl.objects("policy");
    // After a snapshot was restored, a policy of its own may have had the first name.
    for (const { node } of agents)
      for (const name of [agentPolicy(node), `${agentPolicy(node)}-${clusterId}`]) {
        const id = policies.find(({ Name }) => Name === name)?.ID;
        if (typeof id !== "string") continue;
        const policy = await acl.object("policy", id);
        const Rules = updatedRules(policy.Rules, node, version);
        if (Rules !== undefined) await acl.setObject("policy", { ...policy, Rules }, id);
      }
  });
}

/** @returns undefined if the rules are not as the action wrote them, or already right */
export function updatedRules(rules: unknown, node: string, version: string): string | undefined {
  const wanted = agentRules(node, version);
  const written = agentRules(node, differences.chosenSecretId.from);
  return rules === written && wanted !== written ? wanted : undefined;
}
