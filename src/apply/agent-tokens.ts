import pLimit from "p-limit";
import type { Consul } from "../consul/consul.ts";
import { ConsulError } from "../consul/http.ts";
import { ActionError } from "../errors.ts";
import type { AgentPlan } from "../plan/plan.ts";
import {
  agentRules,
  canChooseSecret,
  dnsRules,
  hasDnsToken,
  replicationRules,
} from "../plan/security-config.ts";
import { credentialsFrom, type Secrets, type Tokens } from "../plan/security-files.ts";
import { clientFor } from "../ready/agents.ts";
import { poll, type WaitLimits } from "../runner/poll.ts";

/** Consul takes no more than 200 connections from one client at once (`http_max_conns_per_client`). */
const requestsAtOnce = 16;

/** A token that the cluster is to know, with a policy of the same name. */
interface Grant {
  readonly name: string;
  readonly secret: string;
  readonly rules: string;
}

/**
 * Creates the agents' tokens as soon as there is a leader that knows the management token. The agents
 * have theirs in their configuration from the start, and they become valid here.
 *
 * @param current - the agents; asked before each attempt, because an agent may get another port
 * @param secrets - without tokens there is nothing to do
 * @throws ActionError with the last answer when time is up
 */
export async function grantTokens(
  current: () => readonly AgentPlan[],
  secrets: Secrets,
  patience: WaitLimits,
): Promise<void> {
  const { tokens, version } = secrets;
  if (!tokens) return;
  const credentials = credentialsFrom(secrets);
  const deadline = performance.now() + patience.timeout;
  const untilDone = (attempt: (consul: Consul) => Promise<void>) => {
    const [first] = current();
    if (!first) throw new Error("a cluster has at least one server");
    const remaining = { ...patience, timeout: deadline - performance.now() };
    return poll(
      () => refusalOf(first.node, attempt(clientFor(first, credentials).consul)),
      remaining,
    );
  };
  // Leader first: that question needs no token, so it leaves no refusal in the server's log.
  await untilDone(async (consul) => {
    if ((await consul.leader()) === "") throw new ConsulError("no leader");
    await consul.checkToken();
  });
  const limit = pLimit(requestsAtOnce);
  await Promise.all(
    grantsOf(tokens).map((grant) =>
      limit(async () => {
        for (const step of stepsOf(grant, version))
          await untilDone((consul) => step(consul).catch(unlessThere));
      }),
    ),
  );
}

function grantsOf({ dns, replication, agents }: Tokens): Grant[] {
  return [
    ...(replication ? [{ name: "replication", secret: replication, rules: replicationRules }] : []),
    { name: "dns", secret: dns, rules: dnsRules },
    ...Array.from(agents, ([node, secret]) => {
      return { name: `agent-${node}`, secret, rules: agentRules(node) };
    }),
  ];
}

function stepsOf(
  { name, secret, rules }: Grant,
  version: string,
): ((consul: Consul) => Promise<void>)[] {
  if (!canChooseSecret(version)) return [(consul) => consul.createLegacyToken(secret, name, rules)];
  return [
    (consul) => consul.createPolicy(name, rules),
    (consul) => consul.createToken(secret, name),
  ];
}

/** An attempt whose answer was lost may have succeeded; Consul says so to the next. */
function unlessThere(error: unknown): void {
  if (!(error instanceof ConsulError && /already (exists|in use)/.test(error.message))) throw error;
}

/**
 * What Consul refused, if it did: a leader that was just elected does not do everything yet.
 *
 * @param node - who is asked
 */
async function refusalOf(node: string, attempt: Promise<void>) {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    return () =>
      new ActionError(
        "ACL tokens are missing",
        `The agents' ACL tokens could not be created. The last answer of ${node}: ${error.message}`,
        { cause: error },
      );
  }
}

/**
 * Has every agent compare what it has with the catalog. One that tried before its token was there
 * would wait 15 s and more until it tries again, and what is registered with it meanwhile would
 * not be seen by others. An agent does so when its default token changes: here to its own and back.
 */
export async function resync(agents: readonly AgentPlan[], secrets: Secrets): Promise<void> {
  const { tokens, version } = secrets;
  if (!tokens) return;
  const credentials = credentialsFrom(secrets);
  const standard = hasDnsToken(version) ? "" : tokens.dns;
  await Promise.all(
    agents.map(async (agent) => {
      const { consul } = clientFor(agent, credentials);
      await consul.setDefaultToken(tokens.agents.get(agent.node) ?? "");
      await consul.setDefaultToken(standard);
    }),
  );
}
