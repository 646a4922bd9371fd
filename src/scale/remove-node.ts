import { peeringsGates } from "../find/between-datacenters.ts";
import { type FoundAgent, lookAgain } from "../find/existing-cluster.ts";
import { leftForAll } from "../find/gossip.ts";
import { leave, outOfCatalog } from "../find/leave.ts";
import { whileAllRun } from "../find/while-all-run.ts";
import type { AgentPlan } from "../plan/plan.ts";
import { ask, servers } from "../ready/agents.ts";
import { asking, type Gate, gatesFor, noneNames, raftIsSettled } from "../ready/gates.ts";
import { untilHold } from "../ready/wait.ts";
import { logTimed } from "../runner/log.ts";
import { containersOf } from "./across-engines.ts";
import { securityFilesOf } from "./new-nodes.ts";
import { agentsThere, firstOfPrimary, type ScaleStep, type Unfinished } from "./step.ts";
import { forgetToken } from "./tokens.ts";

/**
 * Makes one node leave gracefully, removes its container with all that is in it, and waits until no agent
 * names it any more and the others are as ready without it as before.
 *
 * @throws ActionError if it refuses to leave, or if the others don't settle in time
 */
export async function removeNode(step: ScaleStep, node: string): Promise<void> {
  const { docker, cleanup, spec, cluster } = step;
  const agent = cluster.agents.find((each) => each.node === node);
  if (!agent) throw new Error(`the cluster has no ${node}`);
  const { config } = await securityFilesOf(docker, agent);
  const unfinished: Unfinished = { agent, secret: config?.tokens?.agent };
  step.unfinished = unfinished;
  await leave(docker, agent, { timeout: spec.timeout, signal: step.signal });
  await cleanup.removeContainers(containersOf(cleanup, cluster.clusterId, agent));
  const left = cluster.agents.filter((each) => each !== agent).map(({ container }) => container);
  step.cluster = await lookAgain(docker, cluster, left);
  await untilGone(step, agent);
  const { timeout } = spec;
  await forgetToken(firstOfPrimary(step), unfinished, { timeout, signal: step.signal });
  step.unfinished = undefined;
  step.done.push({ kind: "remove", node });
  logTimed(`${node} is gone`);
}

async function untilGone(step: ScaleStep, agent: FoundAgent): Promise<void> {
  const { docker, spec, cluster, signal: canceled } = step;
  const { agents, clusterId } = cluster;
  const there = asking(agentsThere(step), [
    leftForAll([agent]),
    outOfRaft(agent),
    outOfCatalog([agent]),
    raftIsSettled([]),
  ]);
  const gates = [
    ...gatesFor(agents, false),
    ...there,
    ...outOfWan(agents, agent),
    ...peeringsGates(agents),
  ];
  const summary = `${agent.node} has left, but the others did not settle`;
  const failure = { title: "Scaling stopped", summary };
  await whileAllRun({ docker, clusterId, agents, signal: canceled }, (signal) =>
    untilHold(gates, () => agents, {
      ...{ timeout: spec.timeout, onChange: logTimed, signal, failure },
    }),
  );
}

const outOfRaft = (agent: AgentPlan): Gate => ({
  name: `Raft does not have ${agent.node}`,
  look: async (agents) => {
    const answers = await ask(servers(agents), async (consul) =>
      (await consul.raftPeers()).map(({ node }) => node),
    );
    return noneNames([agent], answers, "in Raft");
  },
});

/** Servers are seen in all datacenters that theirs is joined with over WAN. */
function outOfWan(agents: readonly FoundAgent[], agent: FoundAgent): Gate[] {
  const joined = agents.filter(({ federation }) => federation === agent.federation);
  const isAlone = joined.every(({ datacenter }) => datacenter === agent.datacenter);
  if (isAlone || agent.role === "client") return [];
  const look = async () => {
    const answers = await ask(servers(joined), async (consul) =>
      (await consul.members("wan")).filter(({ isAlive }) => isAlive).map(({ node }) => node),
    );
    return noneNames([{ node: `${agent.node}.${agent.datacenter}` }], answers, "alive over WAN");
  };
  return [{ name: `no server sees ${agent.node} alive over WAN`, look }];
}
