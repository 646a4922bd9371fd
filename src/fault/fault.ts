import * as core from "@actions/core";
import { ConsulError } from "../consul/http.ts";
import type { ContainerFacts } from "../docker/answers.ts";
import { Docker } from "../docker/docker.ts";
import { ActionError } from "../errors.ts";
import {
  type FoundAgent,
  type FoundCluster,
  findCluster,
  isUp,
  lookAgain,
} from "../find/existing-cluster.ts";
import { dataDirectoryOf } from "../find/last-addresses.ts";
import { hasQuorum, ledAmong, raftOf } from "../find/raft.ts";
import { whileAllRun } from "../find/while-all-run.ts";
import { servers } from "../ready/agents.ts";
import { untilHold } from "../ready/wait.ts";
import { foundNode } from "../report/nodes.ts";
import { cancellation } from "../runner/cancellation.ts";
import { fail, logTimed } from "../runner/log.ts";
import { type Effect, effectOf } from "./effect.ts";
import { type FaultAction, type FaultSpec, parseFaultInputs } from "./fault-inputs.ts";
import { isolate, reconnect } from "./isolation.ts";
import { startOnLastAddresses } from "./start-on-last-addresses.ts";
import { agentsMeant, resolveTarget } from "./target.ts";

/** The outputs, in the order of fault/action.yml. */
export const faultOutputNames = ["node", "leader", "quorum", "nodes"] as const;

/** The step `fault`: one thing goes wrong on purpose, or is put right again. */
export async function fault(): Promise<void> {
  const canceled = cancellation();
  const docker = new Docker(canceled, core.debug);
  try {
    const spec = parseFaultInputs(core.getInput);
    const cluster = await findCluster(docker, spec.cluster, process.env);
    const there = agentsMeant(cluster.agents, spec);
    const { addresses } = cluster;
    const raft = await raftOf(there, addresses);
    const hit = resolveTarget(spec.action, spec.target, there, raft);
    const others = cluster.agents.filter((agent) => !there.includes(agent));
    const elsewhere = await ledAmong(others, addresses);
    const effect = effectOf(spec.action, hit, there, { raft, addresses, elsewhere });
    await core.group(`${spec.action} ${hit.map(({ node }) => node).join(", ")}`, async () => {
      await perform(docker, spec, cluster, hit);
      if (spec.wait) await confirm(docker, spec, cluster, effect);
    });
    const after = await lookAgain(docker, cluster);
    await reportFault(hit, after);
  } catch (error) {
    fail(canceled.aborted ? canceled.reason : error);
  }
}

type Operation = (
  docker: Docker,
  hit: readonly FoundAgent[],
  cluster: FoundCluster,
  timeout: number,
) => Promise<void>;

const containers = (agents: readonly FoundAgent[]) => agents.map(({ container }) => container);

/** What each action does. What it must lead to is in effect.ts. */
const operations: Readonly<Record<FaultAction, Operation>> = {
  kill: (docker, hit) => docker.change("kill", containers(hit)),
  stop: async (docker, hit, _, timeout) => {
    // One after another: with each that leaves, raft's quorum gets smaller.
    for (const agent of hit) await leave(docker, agent, timeout);
  },
  pause: (docker, hit) => docker.change("pause", containers(hit)),
  resume: async (docker, hit, cluster) => {
    await docker.change("unpause", containers(hit));
    await rejoin(hit, cluster);
  },
  start: startOnLastAddresses,
  restart: startOnLastAddresses,
  isolate: async (docker, hit, { addresses, clusterId }) => {
    await Promise.all(
      hit.map(({ node, facts }) => {
        const others = [...addresses].filter(([name]) => name !== node).map(([, ip]) => ip);
        return isolate(docker, clusterId, facts, others);
      }),
    );
  },
  heal: async (docker, hit, cluster) => {
    await Promise.all(hit.map(({ facts }) => reconnect(docker, facts)));
    await rejoin(hit, cluster);
  },
  "remove-data": async (docker, hit) => {
    await Promise.all(hit.map((agent) => removeData(docker, agent.facts)));
  },
};

async function perform(
  docker: Docker,
  { action, timeout }: FaultSpec,
  cluster: FoundCluster,
  hit: readonly FoundAgent[],
) {
  await operations[action](docker, hit, cluster, timeout);
  logTimed(`${action}: done`);
}

/** Waits for the effect. An agent that is asked and ends instead fails the step at once. */
async function confirm(
  docker: Docker,
  { action, timeout }: FaultSpec,
  { clusterId }: FoundCluster,
  { what, asked, gates }: Effect,
): Promise<void> {
  const failure = {
    title: `${action} did not take effect`,
    summary: `"${action}" did not lead to its effect (${what})`,
  };
  await whileAllRun(docker, clusterId, asked, (signal) =>
    untilHold(gates, () => asked, { timeout, onChange: logTimed, signal, failure }),
  );
}

/**
 * A graceful leave, as `consul leave` does it. The agent answers once it has left, or is gone
 * before its answer is out.
 */
async function leave(docker: Docker, agent: FoundAgent, timeout: number): Promise<void> {
  const answer = await agent.consul.leave(timeout).catch((error: unknown) => {
    if (error instanceof ConsulError) return error;
    throw error;
  });
  const deadline = AbortSignal.timeout(timeout);
  await docker
    .within(deadline)
    .untilStopped(agent.container)
    .catch((error: unknown) => {
      if (!deadline.aborted) throw error;
      const said = answer ? ` It answered: ${answer.message}.` : "";
      const message = `${agent.node} was told to leave, but still ran ${timeout / 1000} s later.${said}`;
      throw new ActionError(`${agent.node} did not leave`, message, { cause: answer });
    });
  logTimed(`${agent.node} has left`);
}

/**
 * Tells nodes that were away to join again. Left to itself, gossip tries a node that it has taken
 * for failed every 30 s only (serf's `ReconnectInterval`), and one that was removed never.
 */
async function rejoin(hit: readonly FoundAgent[], { agents }: FoundCluster): Promise<void> {
  const back = (agent: FoundAgent) => isUp(agent) || hit.some(({ node }) => node === agent.node);
  const able = servers(agents).filter(back);
  await Promise.all(
    hit.map(async (agent) => {
      const others = able.filter(({ node }) => node !== agent.node);
      const isHere = ({ datacenter }: FoundAgent) => datacenter === agent.datacenter;
      await joinFirst(agent, others.filter(isHere), "lan");
      const elsewhere = others.filter((other) => !isHere(other));
      if (agent.role === "server") await joinFirst(agent, elsewhere, "wan");
    }),
  );
}

/** Joins the first of these servers that can be joined. */
async function joinFirst(agent: FoundAgent, others: readonly FoundAgent[], pool: "lan" | "wan") {
  for (const { ip } of others) {
    const error = await agent.consul.join(ip, pool).catch((reason: unknown) => reason);
    if (error === undefined) return;
    if (!(error instanceof ConsulError)) throw error;
    logTimed(`${agent.node} could not join ${ip}: ${error.message}`);
  }
}

async function removeData(docker: Docker, facts: ContainerFacts): Promise<void> {
  const { Name, Config } = facts;
  const where = ["--network=none", `--volumes-from=${Name}`, "--user=0", "--entrypoint=sh"];
  const script = 'cd "$1"; rm -rf -- * .[!.]*';
  await docker.runToEnd([...where, Config.Image, "-ec", script, "sh", dataDirectoryOf(facts)]);
}

async function reportFault(
  hit: readonly FoundAgent[],
  { agents, addresses }: FoundCluster,
): Promise<void> {
  const there = agents.filter(({ datacenter }) => datacenter === hit[0]?.datacenter);
  const raft = await raftOf(there, addresses);
  const isLed = hasQuorum(there, raft);
  const names = hit.map(({ node }) => node);
  const outputs: Record<(typeof faultOutputNames)[number], string> = {
    node: names.length === 1 ? names.join() : JSON.stringify(names),
    leader: isLed ? raft.leader : "",
    quorum: String(isLed),
    nodes: JSON.stringify(agents.map(foundNode)),
  };
  for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value);
}
