import { setTimeout as sleep } from "node:timers/promises";
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

/** Milliseconds between two attempts. */
const pause = 25;
/** Consul takes no more than 200 connections from one client at once (`http_max_conns_per_client`). */
const requestsAtOnce = 16;

/** A token that the cluster is to know, with a policy of the same name. */
interface Grant {
  readonly name: string;
  readonly secret: string;
  readonly rules: string;
}

/**
 * Makes the agents' tokens as soon as there is a leader that knows the management token. The
 * agents have theirs in their configuration from the start and find them valid from here on.
 *
 * @param current - the agents; asked before each attempt, since an agent may get another port
 * @param secrets - nothing is done where they have no tokens
 * @param timeout - milliseconds
 * @throws ActionError with the last answer when time is up
 */
export async function grantTokens(
  current: () => readonly AgentPlan[],
  secrets: Secrets,
  timeout: number,
  signal: AbortSignal,
): Promise<void> {
  const { tokens, version } = secrets;
  if (!tokens) return;
  const credentials = credentialsFrom(secrets);
  const deadline = performance.now() + timeout;
  const server = () => {
    const [first] = current();
    if (!first) throw new Error("a cluster has at least one server");
    return clientFor(first, credentials).consul;
  };
  // Asked first, as it needs no token and so leaves no refusal in the server's log.
  await untilDone(
    async () => {
      if ((await server().leader()) === "") throw new ConsulError("no leader");
      await server().ownToken();
    },
    deadline,
    signal,
  );

  const limit = pLimit(requestsAtOnce);
  await Promise.all(
    grantsOf(tokens).map((grant) =>
      limit(async () => {
        for (const step of stepsOf(grant, version))
          await untilDone(() => step(server()).catch(unlessThere), deadline, signal);
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

/** Attempts something until it succeeds: a leader that is just elected doesn't do everything yet. */
async function untilDone(
  attempt: () => Promise<void>,
  deadline: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ConsulError)) throw error;
      if (performance.now() > deadline)
        throw new ActionError(
          "ACL tokens are missing",
          `The agents' ACL tokens could not be made. The last answer of server-1 was: ${error.message}`,
          { cause: error },
        );
    }
    await sleep(pause, undefined, { signal });
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
