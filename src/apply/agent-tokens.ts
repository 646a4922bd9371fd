import pLimit from "p-limit";
import type { Acl } from "../consul/acl.ts";
import type { Consul } from "../consul/consul.ts";
import { ConsulError } from "../consul/http.ts";
import { has } from "../consul/versions.ts";
import type { AgentPlan } from "../plan/plan.ts";
import { agentPolicy, agentRules, dnsRules, replicationRules } from "../plan/security-config.ts";
import {
  credentialsFrom,
  oldestVersion,
  type Secrets,
  softwareOf,
  type Tokens,
} from "../plan/security-files.ts";
import { type AgentClient, answerOf, clientFor } from "../ready/agents.ts";
import { syncGate } from "../ready/gates.ts";
import { untilHold, type Wait } from "../ready/wait.ts";
import type { WaitLimits } from "../runner/poll.ts";

/** Consul accepts at most 200 connections from one client at a time (`http_max_conns_per_client`). */
const requestsAtOnce = 16;

/** A token to create, with a policy. */
interface Grant {
  /** The token's name, and its policy's unless another policy has it. */
  readonly name: string;
  readonly secret: string;
  readonly rules: string;
}

/**
 * Creates the agents' tokens as soon as there is a leader that knows the management token. The agents
 * have theirs in their configuration from the start, and here they become valid.
 *
 * @param server - a running server of the primary datacenter
 * @param patience - for each question
 * @param clusterId - if there may be policies already: one that is not as it should be is left alone, and
 *   the policy with the name and this ID is used instead
 * @throws ActionError with the last answer when time is up
 */
export async function grantTokens(
  server: AgentClient,
  secrets: Secrets,
  patience: WaitLimits,
  clusterId = "",
): Promise<void> {
  const { tokens } = secrets;
  if (!tokens) return;
  const version = oldestVersion(secrets, tokens.agents.keys());
  const grants = [...sharedGrants(tokens, version), ...agentGrants(secrets, version)];
  await grant(server, { grants, version, clusterId }, patience);
}

/**
 * Creates the tokens of agents that are to join a cluster, and waits until servers know them: an agent
 * that tries its token too early would not try again soon.
 *
 * @param server - a running server of the primary datacenter
 * @param asked - the servers of the agents' own datacenter
 * @param patience - for each question
 * @throws ActionError with the last answer when time is up
 */
export async function grantToJoin(
  server: AgentClient,
  asked: readonly AgentClient[],
  secrets: Secrets,
  patience: WaitLimits,
): Promise<void> {
  const { tokens } = secrets;
  if (!tokens) return;
  const version = oldestVersion(secrets, tokens.agents.keys());
  await grant(server, { grants: agentGrants(secrets, version), version, clusterId: "" }, patience);
  const isKnown = async (consul: Consul) => {
    for (const [node, secret] of tokens.agents)
      if (!(await consul.acl.tokenOf(secret))) throw new ConsulError(`no token of ${node}`);
  };
  await Promise.all(
    asked.map((each) => answerOf(each, "learn of new agents' ACL tokens", isKnown, patience)),
  );
}

/** Tokens to create in a cluster. */
interface Grants {
  readonly grants: readonly Grant[];
  /** The oldest: all servers must understand the rules. */
  readonly version: string;
  /** As `grantTokens` takes it. */
  readonly clusterId: string;
}

async function grant(
  server: AgentClient,
  { grants, version, clusterId }: Grants,
  patience: WaitLimits,
): Promise<void> {
  const untilDone = (attempt: (consul: Consul) => Promise<void>) =>
    answerOf(server, "create the agents' ACL tokens", attempt, patience);
  // The leader first: that question needs no token, so it leaves no refusal in the server's log.
  await untilDone(async (consul) => {
    if ((await consul.leader()) === "") throw new ConsulError("no leader");
    await consul.acl.checkToken();
  });
  const limit = pLimit(requestsAtOnce);
  const others = new Set<string>();
  if (clusterId !== "" && has(version, "chosenSecretId"))
    await untilDone(async ({ acl }) => {
      for (const name of await differingPolicies(acl, grants)) others.add(name);
    });
  await Promise.all(
    grants.map((grant) =>
      limit(async () => {
        const policy = others.has(grant.name) ? `${grant.name}-${clusterId}` : grant.name;
        for (const step of stepsOf(grant, policy, version))
          await untilDone((consul) => step(consul).catch(unlessThere));
      }),
    ),
  );
}

const sharedGrants = ({ dns, replication }: Tokens, version: string): Grant[] => [
  ...(replication
    ? [{ name: "replication", secret: replication, rules: replicationRules(version) }]
    : []),
  { name: "dns", secret: dns, rules: dnsRules(version) },
];

function agentGrants(secrets: Secrets, version: string): Grant[] {
  const isLegacy = !has(version, "chosenSecretId");
  return Array.from(secrets.tokens?.agents ?? [], ([node, secret]) => {
    const own = isLegacy ? version : softwareOf(secrets, node).version;
    return { name: agentPolicy(node), secret, rules: agentRules(node, own) };
  });
}

/** Names of policies that exist with other rules than tokens are to get. */
async function differingPolicies(acl: Acl, grants: readonly Grant[]): Promise<string[]> {
  const rulesOf = new Map(grants.map(({ name, rules }) => [name, rules]));
  const existing = (await acl.objects("policy")).filter(({ Name }) => rulesOf.has(String(Name)));
  const policies = await Promise.all(existing.map(({ ID }) => acl.object("policy", String(ID))));
  return policies
    .map(({ Name, Rules }) => ({ name: String(Name), rules: Rules }))
    .filter(({ name, rules }) => rulesOf.get(name) !== rules)
    .map(({ name }) => name);
}

function stepsOf(
  { name, secret, rules }: Grant,
  policy: string,
  version: string,
): ((consul: Consul) => Promise<void>)[] {
  if (!has(version, "chosenSecretId"))
    return [(consul) => consul.acl.createLegacyToken(secret, name, rules)];
  return [
    (consul) => consul.acl.createPolicy(policy, rules),
    (consul) => consul.acl.createToken(secret, policy),
  ];
}

/** An attempt whose answer got lost may have succeeded: then Consul refuses the next one. */
function unlessThere(error: unknown): void {
  if (!(error instanceof ConsulError && /already (exists|in use)/.test(error.message))) throw error;
}

/**
 * Has every agent compare what it has with the catalog. An agent that tried before its token was valid
 * would wait 15 s or more before it tries again, and other agents would not see what is registered
 * with it in the meantime. From Consul 1.6.2, an agent does this when its default token changes: here to
 * its own token and back. Before, nothing makes an agent try again, so this waits until each has synced.
 *
 * @param wait - for each agent
 * @throws ActionError if an agent does not take the tokens, or does not sync, in time
 */
export async function resync(
  agents: readonly AgentPlan[],
  secrets: Secrets,
  wait: Omit<Wait, "failure" | "after">,
): Promise<void> {
  const { tokens } = secrets;
  if (!tokens) return;
  const version = oldestVersion(secrets, tokens.agents.keys());
  const credentials = credentialsFrom(secrets);
  const clients = agents.map((agent) => clientFor(agent, credentials));
  if (!has(version, "syncOnTokenChange")) return untilSynced(clients, wait);
  const standardOf = (node: string) =>
    has(softwareOf(secrets, node).version, "dnsToken") ? "" : tokens.dns;
  const set = (client: AgentClient, token: string) =>
    answerOf(client, "set its token", (consul) => consul.setDefaultToken(token), wait);
  await Promise.all(
    clients.map(async (client) => {
      await set(client, tokens.agents.get(client.node) ?? "");
      await set(client, standardOf(client.node));
    }),
  );
}

/** Waits until every agent has synced with the catalog. @throws ActionError when time is up */
export const untilSynced = (
  clients: readonly AgentClient[],
  wait: Omit<Wait, "failure" | "after">,
): Promise<void> => untilHold([syncGate], () => clients, { ...wait, failure: notSynced });

const notSynced = {
  title: "Consul is not ready",
  summary: "The agents did not register themselves",
};
