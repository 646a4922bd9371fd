import type { Docker } from "../docker/docker.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { clusterEndpoint, labelOf } from "../find/node-facts.ts";
import {
  connectOtherNetworks,
  disconnectOtherNetworks,
  userAliases,
} from "../find/other-networks.ts";
import { refuseTakenPorts, startAgain } from "../find/taken-ports.ts";
import { clusterFilter, isPodman, labelNames } from "../plan/labels.ts";
import { helperArguments } from "../plan/volumes.ts";
import { releaseNames } from "./reserved-names.ts";
import { type FaultStep, includes } from "./step.ts";

/** Ends the name of a container that holds a node's address. */
const holderSuffix = "-address";

/**
 * Starts nodes on their last addresses. Nodes that are running are stopped first.
 *
 * @throws ActionError if others have taken ports of the nodes; nothing is changed then
 */
export async function startOnLastAddresses(step: FaultStep): Promise<void> {
  await refuseTakenPorts(step.docker, step.hit);
  await releaseNames(step);
  if (step.hit.every(hasFixedAddress)) {
    await stop(step, step.hit.filter(isStarted));
    await Promise.all(step.hit.map((agent) => start(step, agent)));
    return;
  }
  if (!(await isOnPodman(step))) return startInOrder(step);
  await stop(step, step.hit.filter(isStarted));
  for (const agent of step.hit) await startOnFixedAddress(step, agent);
}

/** On several engines each node asks for its address. */
const hasFixedAddress = ({ engine, facts }: FoundAgent) =>
  engine !== "" && clusterEndpoint(facts)?.IPAMConfig?.IPv4Address !== undefined;

const isOnPodman = ({ docker, hit: [first] }: FaultStep) =>
  isPodman(docker, first ? labelOf(first.facts, labelNames.engineKind) : "");

/**
 * Docker gives a container that starts the lowest free address. So nodes start in the order of
 * their last addresses, and the address of a node that stays stopped is held meanwhile: gossip
 * takes up to 30 s to accept that a node has another node's address (Serf's `ReconnectInterval`).
 *
 * Addresses are held before nodes are stopped. A server ends only when its connections do, and one
 * to an address where nothing answers lasts up to 10 s (Raft's timeout; seen on 1.8.7 when a server
 * was restarted right after another was killed).
 */
async function startInOrder(step: FaultStep): Promise<void> {
  const { docker, cleanup, hit, cluster } = step;
  const { agents, addresses, clusterId } = cluster;
  const down = byAddress(
    agents.filter((agent) => !isStarted(agent)),
    addresses,
  );
  const running = byAddress(hit.filter(isStarted), addresses);
  // A step that was killed may have left some.
  await removeHolders(docker, clusterId);
  try {
    for (const agent of down)
      await (includes(hit, agent) ? start(step, agent) : holdAddress(step, agent));
    await stop(step, running);
    for (const agent of running) await start(step, agent);
  } finally {
    await removeHolders(cleanup, clusterId);
  }
}

/** Agents in the order of their addresses. Those whose address is unknown come last. */
export function byAddress(
  agents: readonly FoundAgent[],
  addresses: ReadonlyMap<string, string>,
): FoundAgent[] {
  const addressOf = ({ node }: FoundAgent) => addresses.get(node) ?? "";
  const known = agents.filter((agent) => addressOf(agent) !== "");
  const unknown = agents.filter((agent) => addressOf(agent) === "");
  const byNumber = (a: FoundAgent, b: FoundAgent) =>
    addressOf(a).localeCompare(addressOf(b), "en", { numeric: true });
  return [...known.sort(byNumber), ...unknown];
}

const isStarted = ({ state }: FoundAgent) => state !== "stopped";

const stop = ({ docker }: FaultStep, agents: readonly FoundAgent[]) =>
  docker.change(
    "stop",
    agents.map(({ container }) => container),
  );

async function start({ docker, cleanup }: FaultStep, agent: FoundAgent) {
  const { facts } = agent;
  try {
    await disconnectOtherNetworks(docker, facts);
    await startAgain(docker, agent);
  } finally {
    await connectOtherNetworks(cleanup, facts, false);
  }
}

/**
 * Starts a node with podman, which gives a container that starts another address than before. It
 * lets a stopped container ask for an address, and keeps that for later starts. It also keeps the
 * order of the interfaces: the node may stay connected to its other networks.
 */
async function startOnFixedAddress(step: FaultStep, agent: FoundAgent): Promise<void> {
  const { docker, cleanup, cluster } = step;
  const { container, facts, node } = agent;
  const address = cluster.addresses.get(node);
  const endpoint = clusterEndpoint(facts);
  if (address !== undefined && endpoint !== undefined) {
    const aliases = userAliases(facts, endpoint).map((alias) => `--alias=${alias}`);
    const options = [...aliases, `--ip=${address}`];
    // A cancellation in between must not leave the node without its network.
    await cleanup.changeConnection("disconnect", [cluster.network, container]);
    await cleanup.changeConnection("connect", [...options, cluster.network, container]);
  }
  await startAgain(docker, agent);
}

/** Starts a container that takes the lowest free address until it is removed. */
async function holdAddress(
  { docker, cluster: { clusterId, network } }: FaultStep,
  { container, facts }: FoundAgent,
): Promise<void> {
  const labels = helperArguments({ clusterId, jobLabels: {} });
  const options = [`--name=${container}${holderSuffix}`, `--network=${network}`];
  const command = ["--entrypoint=sleep", facts.Config.Image, "600"];
  await docker.runContainer([...labels, ...options, ...command]);
}

async function removeHolders(docker: Docker, clusterId: string): Promise<void> {
  const filters = [clusterFilter(clusterId), `name=${holderSuffix}$`];
  await docker.removeContainers(await docker.containers(...filters));
}
