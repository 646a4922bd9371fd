import pLimit from "p-limit";
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

/** A token to create, with a policy of the same name. */
interface Grant {
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
 * @throws ActionError with the last answer when time is up
 */
export async function grantTokens(
  server: AgentClient,
  secrets: Secrets,
  patience: WaitLimits,
): Promise<void> {
  const { tokens } = secrets;
  if (!tokens) return;
  const version = oldestVersion(secrets, tokens.agents.keys());
  const grants = [...sharedGrants(tokens, version), ...agentGrants(secrets, version)];
  await grant(server, grants, version, patience);
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
  await grant(server, agentGrants(secrets, version), version, patience);
  const isKnown = async (consul: Consul) => {
    for (const [node, secret] of tokens.agents)
      if (!(await consul.acl.tokenOf(secret))) throw new ConsulError(`no token of ${node}`);
  };
  await Promise.all(
    asked.map((each) => answerOf(each, "learn of new agents' ACL tokens", isKnown, patience)),
  );
}

/** @param version - the oldest: all servers must understand the rules */
async function grant(
  server: AgentClient,
  grants: readonly Grant[],
  version: string,
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
  await Promise.all(
    grants.map((each) =>
      limit(async () => {
        for (const step of stepsOf(each, version))
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

function stepsOf(
  { name, secret, rules }: Grant,
  version: string,
): ((consul: Consul) => Promise<void>)[] {
  if (!has(version, "chosenSecretId"))
    return [(consul) => consul.acl.createLegacyToken(secret, name, rules)];
  return [
    (consul) => consul.acl.createPolicy(name, rules),
    (consul) => consul.acl.createToken(secret, name),
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
