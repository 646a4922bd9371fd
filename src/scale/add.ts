import { grantToJoin, untilSynced } from "../apply/agent-tokens.ts";
import { startAgent } from "../apply/start-agent.ts";
import { peeringsGates } from "../find/between-datacenters.ts";
import { lookAgain } from "../find/existing-cluster.ts";
import { whileAllRun } from "../find/while-all-run.ts";
import type { AgentPlan } from "../plan/plan.ts";
import { secretsFor } from "../plan/security-files.ts";
import { servers } from "../ready/agents.ts";
import { explainNotReady } from "../ready/diagnosis.ts";
import { asking, gatesFor, raftIsSettled } from "../ready/gates.ts";
import { untilHold } from "../ready/wait.ts";
import { logTimed } from "../runner/log.ts";
import { makeReachable } from "./across-engines.ts";
import type { NewNodes } from "./new-nodes.ts";
import { agentsThere, firstOfPrimary, type ScaleStep } from "./step.ts";

/**
 * Starts one node, and waits until the cluster is as ready with it as at its start: a server has its vote
 * before the next change.
 *
 * @throws ActionError if it can't be started, exits, or is not ready in time
 */
export async function addNode(
  step: ScaleStep,
  agent: AgentPlan,
  { plan, secrets }: NewNodes,
): Promise<void> {
  const { docker, spec, signal } = step;
  const own = secrets && secretsFor(secrets, [agent]);
  step.unfinished = { agent, secret: own?.tokens?.agents.get(agent.node) };
  const patience = { timeout: spec.timeout, signal };
  if (own) await grantToJoin(firstOfPrimary(step), servers(agentsThere(step)), own, patience);
  const begin = {
    docker,
    plan: { ...plan, agents: [...step.cluster.agents, agent] },
    secrets: Promise.resolve(secrets),
    log: logTimed,
  };
  await startAgent(begin, await makeReachable(docker, begin.plan, agent));
  logTimed(`${agent.node} started`);
  const containers = step.cluster.agents.map(({ container }) => container);
  step.cluster = await lookAgain(docker, step.cluster, [...containers, agent.container]);
  await untilSettled(step, agent.node);
  step.unfinished = undefined;
  step.done.push({ kind: "add", shape: agent });
  logTimed(`${agent.node} has joined`);
}

async function untilSettled(step: ScaleStep, node: string): Promise<void> {
  const { docker, spec, cluster, signal: canceled } = step;
  const { agents, clusterId } = cluster;
  const gates = [
    ...gatesFor(agents, false),
    ...asking(agentsThere(step), [raftIsSettled([])]),
    ...peeringsGates(agents),
  ];
  const failure = { title: "Scaling stopped", summary: `${node} was not ready` };
  try {
    await whileAllRun({ docker, clusterId, agents, signal: canceled }, (signal) =>
      untilHold(gates, () => agents, {
        ...{ timeout: spec.timeout, onChange: logTimed, signal, failure },
      }),
    );
  } catch (error) {
    throw await explainNotReady(docker, agents, error);
  }
}

/**
 * Waits until the nodes that were added have synced with the catalog, which takes Consul up to 3 s: before
 * that, it has their names and addresses only, and neither their metadata nor services of their
 * configuration.
 *
 * @throws ActionError when time is up
 */
export async function untilDescribed({ cluster, done, spec, signal }: ScaleStep): Promise<void> {
  const names = done.flatMap((change) => (change.kind === "add" ? [change.shape.node] : []));
  const added = cluster.agents.filter(({ node }) => names.includes(node));
  const { timeout } = spec;
  if (added.length > 0) await untilSynced(added, { timeout, signal, onChange: logTimed });
}
