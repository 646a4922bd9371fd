/** What each action of a fault does to the affected agents. What it waits for is in effect.ts. */
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { leave, untilOutOfRaft } from "../find/leave.ts";
import { dataDirectoryOf } from "../find/node-facts.ts";
import { logTimed } from "../runner/log.ts";
import type { NodeAction } from "./fault-inputs.ts";
import { impair, meansOf, unimpair } from "./impair.ts";
import type { Impairment } from "./impairment.ts";
import { type Cut, cutOff, reconnect } from "./isolation.ts";
import { rejoin } from "./rejoin.ts";
import { type Side, sideOf } from "./sides.ts";
import { startOnLastAddresses } from "./start-on-last-addresses.ts";
import type { FaultStep } from "./step.ts";

const containersOf = ({ hit }: FaultStep) => hit.map(({ container }) => container);

export const operations: Readonly<Record<NodeAction, (step: FaultStep) => Promise<void>>> = {
  kill: (step) => step.docker.change("kill", containersOf(step)),
  stop: leaveInTurn,
  pause: (step) => step.docker.pause(containersOf(step)),
  resume: async (step) => {
    await step.docker.change("unpause", containersOf(step));
    await rejoin(step);
  },
  start: startOnLastAddresses,
  restart: startOnLastAddresses,
  isolate: (step) => cutOffFromOthers(step, "isolated", []),
  heal: async (step) => {
    await Promise.all(step.hit.map((agent) => restoreNetwork(step, agent)));
    await rejoin(step);
  },
  "remove-data": async ({ docker, hit }) => {
    await Promise.all(hit.map(({ facts }) => removeData(docker, facts)));
  },
};

/**
 * Cuts each node off from every other that is not on its side, stopped ones included. Every node has its
 * own routes, so one of two that starts again stays cut off from the other.
 *
 * @param state - how later steps find the nodes
 * @param sides - nodes that go on to see each other; none if each is to be alone
 */
export async function cutOffFromOthers(
  { docker, cluster: { addresses, clusterId }, hit }: FaultStep,
  state: Cut["state"],
  sides: readonly Side[],
): Promise<void> {
  const cuts = hit.map((agent) => {
    const own = sideOf(sides, agent).map(({ node }) => node);
    const others = [...addresses].filter(([name]) => !own.includes(name)).map(([, ip]) => ip);
    return cutOff(docker, clusterId, { node: agent.facts, state, addresses: others });
  });
  await Promise.all(cuts);
}

async function restoreNetwork(
  { docker, cluster: { clusterId }, toolsImage }: FaultStep,
  { facts, ip, state }: FoundAgent,
): Promise<void> {
  if (state === "impaired") await unimpair(docker, clusterId, { node: facts, ip }, toolsImage);
  else await reconnect(docker, facts);
}

/**
 * Makes each node's network worse.
 *
 * @throws ActionError before anything is changed, if the machine of an engine can't do it
 */
export async function impairAll(
  { docker, cluster: { addresses, clusterId }, hit, toolsImage }: FaultStep,
  impairment: Impairment,
): Promise<void> {
  const groups = [...Map.groupBy(hit, ({ engine }) => engine).values()];
  const withMeans = await Promise.all(
    groups.map(async ([first, ...others]) => {
      if (!first) throw new Error("a group has nodes");
      const means = await meansOf(docker, first.facts, impairment.action, toolsImage);
      const where = first.engine === "" ? "The kernel" : `The kernel of ${first.engine}`;
      logTimed(`${where} does it with ${means.method}`);
      return { agents: [first, ...others], means };
    }),
  );
  const impairs = withMeans.flatMap(({ agents, means }) =>
    agents.map(({ node, facts, ip }) => {
      const others = [...addresses].filter(([name]) => name !== node).map(([, each]) => each);
      return impair(docker, clusterId, { node: facts, ip, others }, { impairment, means });
    }),
  );
  await Promise.all(impairs);
}

/**
 * Makes agents leave. Each server that leaves makes the quorum smaller, so the next agent starts once
 * Raft no longer has that server. The server meanwhile goes on with its leave: it drains requests
 * (`performance.leave_drain_time`), and waits up to 5 s to see that Raft has removed it.
 */
async function leaveInTurn(step: FaultStep): Promise<void> {
  const { docker, cluster, timeout, canceled, hit } = step;
  const leaves: Promise<void>[] = [];
  for (const agent of hit) {
    leaves.push(leave(docker, agent, { timeout, signal: canceled }));
    const next = new AbortController();
    await Promise.race([
      Promise.all(leaves),
      untilOutOfRaft(agent, cluster.agents, next.signal),
    ]).finally(() => next.abort());
  }
  await Promise.all(leaves);
}

async function removeData(docker: Docker, facts: ContainerFacts): Promise<void> {
  const { Name, Config } = facts;
  const options = ["--network=none", `--volumes-from=${Name}`, "--user=0", "--entrypoint=sh"];
  const script = 'cd "$1"; rm -rf -- * .[!.]*';
  const command = [Config.Image, "-ec", script, "sh", dataDirectoryOf(facts)];
  await (await docker.at(Name)).runToEnd([...options, ...command]);
}
