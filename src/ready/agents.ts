import { Consul } from "../consul/consul.ts";
import { ConsulError, type Credentials } from "../consul/http.ts";
import type { Role } from "../inputs/cluster-spec.ts";
import { type AgentPlan, addressOf } from "../plan/plan.ts";

/** An agent and its HTTP API. */
export interface AgentClient {
  readonly node: string;
  readonly role: Role;
  readonly datacenter: string;
  readonly consul: Consul;
}

export interface Answer<T> {
  readonly node: string;
  readonly answer: T | ConsulError;
}

export const byDatacenter = <T extends AgentClient>(agents: readonly T[]) =>
  Map.groupBy(agents, ({ datacenter }) => datacenter);

export const servers = <T extends AgentClient>(agents: readonly T[]): T[] =>
  agents.filter(({ role }) => role === "server");

/** An agent of the plan, to be asked with the credentials of its cluster. */
export function clientFor(agent: AgentPlan, credentials: Credentials): AgentClient {
  const consul = new Consul({ ...credentials, address: addressOf(agent, "http") });
  const { node, role, datacenter } = agent;
  return { node, role, datacenter, consul };
}

/** Asks agents the same, all at once. An agent that can't answer gives its error as its answer. */
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
