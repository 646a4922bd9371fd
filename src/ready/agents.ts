import { Consul } from "../consul/consul.ts";
import { ConsulError, type Credentials } from "../consul/http.ts";
import { ActionError } from "../errors.ts";
import type { Role } from "../inputs/cluster-spec.ts";
import { type AgentPlan, addressOf } from "../plan/plan.ts";
import { poll, type WaitLimits } from "../runner/poll.ts";

/** An agent, and a client of its HTTP API. */
export interface AgentClient {
  readonly node: string;
  readonly role: Role;
  readonly datacenter: string;
  /** The same for all whose datacenters are joined over WAN: the name of the primary. */
  readonly federation: string;
  readonly consul: Consul;
}

export interface Answer<T> {
  readonly node: string;
  readonly answer: T | ConsulError;
}

export const byDatacenter = <T extends AgentClient>(agents: readonly T[]) =>
  Map.groupBy(agents, ({ datacenter }) => datacenter);

/** Agents whose datacenters are joined over WAN, and so have one primary. */
export const byFederation = <T extends Pick<AgentClient, "federation">>(agents: readonly T[]) =>
  Map.groupBy(agents, ({ federation }) => federation);

export const servers = <T extends AgentClient>(agents: readonly T[]): T[] =>
  agents.filter(({ role }) => role === "server");

/** The servers of one datacenter. */
export const serversIn = <T extends AgentClient>(agents: readonly T[], name: string): T[] =>
  servers(agents).filter(({ datacenter }) => datacenter === name);

/** A client of a planned agent, with the credentials of its cluster. */
export function clientFor(agent: AgentPlan, credentials: Credentials): AgentClient {
  const consul = new Consul({ ...credentials, address: addressOf(agent, "http") });
  const { node, role, datacenter, federation } = agent;
  return { node, role, datacenter, federation, consul };
}

/**
 * Asks one agent until it answers: under load a request can time out, and a leader that was just
 * elected refuses some for a moment.
 *
 * @param what - what the agent is asked to do, for the message: `list its members`
 * @throws ActionError with the last answer when time is up
 */
export async function answerOf<T>(
  { node, consul }: Pick<AgentClient, "node" | "consul">,
  what: string,
  question: (consul: Consul) => Promise<T>,
  patience: WaitLimits,
): Promise<T> {
  let answer: { readonly value: T } | undefined;
  await poll(async () => {
    try {
      answer = { value: await question(consul) };
      return undefined;
    } catch (error) {
      if (!(error instanceof ConsulError)) throw error;
      const message = `${node} did not ${what} within ${patience.timeout / 1000} s. Its last answer: ${error.message}`;
      return () => new ActionError(`${node} did not answer`, message, { cause: error });
    }
  }, patience);
  if (!answer) throw new Error("a poll ends with an answer or an error");
  return answer.value;
}

/**
 * What a gate lacks, one line each, after the name of the agent that said it. An agent that can't answer lacks that.
 *
 * @param lacking - what an answer shows to be missing
 */
export function linesOf<T>(
  answers: readonly Answer<T>[],
  lacking: (answer: T, node: string) => readonly string[],
): string[] {
  return answers.flatMap(({ node, answer }) => {
    const lines = answer instanceof ConsulError ? [answer.message] : lacking(answer, node);
    return lines.map((line) => `${node}: ${line}`);
  });
}

/** Asks all agents the same question at once. If an agent can't answer, its error is its answer. */
export function ask<T>(
  agents: readonly AgentClient[],
  question: (consul: Consul) => Promise<T>,
): Promise<Answer<T>[]> {
  return Promise.all(
    agents.map(async ({ node, consul }) => {
      try {
        return { node, answer: await question(consul) };
      } catch (error) {
        if (!(error instanceof ConsulError)) throw error;
        return { node, answer: error };
      }
    }),
  );
}
