/** What every variant starts: the same agents, flags, and gates, from the action's own code. */
import { randomBytes } from "node:crypto";
import { tagVersion } from "../../src/apply/version-check.ts";
import { has } from "../../src/consul/versions.ts";
import { freePorts } from "../../src/docker/ports.ts";
import { inputDefaults } from "../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../src/inputs/inputs.ts";
import { agentRunArguments } from "../../src/plan/container-arguments.ts";
import {
  type AgentPlan,
  type ClusterPlan,
  freePortsNeeded,
  networkArguments,
  planCluster,
} from "../../src/plan/plan.ts";
import { clientFor } from "../../src/ready/agents.ts";
import { untilReady } from "../../src/ready/wait.ts";
import { Timeline } from "../../src/runner/timeline.ts";

/** Inputs with free ports, so that a running cluster does not interfere. */
export const inputsWith = (image: string): Record<string, string> => ({
  image,
  "http-port": "0",
  "dns-port": "0",
  "grpc-port": "0",
});

export const inputsOf = (image: string, servers: number, clients: number) => ({
  ...inputsWith(image),
  servers: `${servers}`,
  clients: `${clients}`,
});

export async function planOf(
  image: string,
  servers: number,
  clients: number,
): Promise<ClusterPlan> {
  const inputs = { ...inputDefaults, ...inputsOf(image, servers, clients) };
  const { spec } = parseInputs((name) => new Map(Object.entries(inputs)).get(name) ?? "");
  const version = tagVersion({ reference: image });
  return planCluster(spec, {
    clusterId: randomBytes(4).toString("hex"),
    jobLabels: {},
    image: { reference: image },
    isOnNetwork: false,
    areNodeNamesTaken: false,
    nodeImages: new Map(),
    devTurnsConnectOn: version !== undefined && !has(version, "connectByDefault"),
    freePorts: await freePorts(freePortsNeeded(spec), new Set()),
  });
}

export const networkOf = (plan: ClusterPlan) => networkArguments(plan.prerequisites);

/** An agent's arguments of `docker run`: those before the image, and those for the agent. */
export function runArguments(plan: ClusterPlan, agent: AgentPlan) {
  const args = agentRunArguments(plan, agent);
  const at = args.indexOf(plan.prerequisites.image.reference);
  return { options: args.slice(0, at), command: args.slice(at + 1) };
}

/**
 * Waits for all four gates, as the action does.
 *
 * @param servers - settles once the servers run
 */
export async function untilGatesHold(plan: ClusterPlan, servers: Promise<unknown>): Promise<void> {
  const scope = new AbortController();
  const timeline = new Timeline();
  await untilReady(
    () => plan.agents.map((agent) => clientFor(agent, { scheme: "http" })),
    false,
    {
      timeout: 120_000,
      onChange: () => {},
      signal: scope.signal,
      after: servers,
    },
    timeline,
  );
  scope.abort();
}
