import type { Docker } from "../docker/docker.ts";
import type { FoundAgent, FoundCluster } from "../find/existing-cluster.ts";
import { labelArguments } from "../plan/labels.ts";

/**
 * Starts nodes, those that run once they are stopped, each on its last address.
 *
 * The engine gives a container that starts the lowest address that is free. So nodes start in the
 * order of their last addresses, and the address of one that stays stopped is held meanwhile: gossip
 * takes up to 30 s to believe that a node has the address of another (serf's `ReconnectInterval`).
 */
export async function startOnLastAddresses(
  docker: Docker,
  hit: readonly FoundAgent[],
  cluster: FoundCluster,
): Promise<void> {
  const running = hit.filter((agent) => !isStopped(agent));
  await docker.change(
    "stop",
    running.map(({ container }) => container),
  );
  const stopped = cluster.agents.filter((agent) => isStopped(agent) || running.includes(agent));
  const holders: string[] = [];
  try {
    for (const agent of byAddress(stopped, cluster.addresses))
      if (hit.includes(agent)) await docker.startContainer(agent.container);
      else holders.push(await holdAddress(docker, agent, cluster));
  } finally {
    await docker.removeContainers(holders);
  }
}

/** Agents in the order of their addresses. One whose address nobody knows takes what is left. */
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

const isStopped = ({ state }: FoundAgent) => state === "stopped";

/** @returns the name of a container that has the lowest free address, until it is removed */
async function holdAddress(
  docker: Docker,
  { container, facts }: FoundAgent,
  { clusterId, network }: FoundCluster,
): Promise<string> {
  const name = `${container}-address`;
  const labels = labelArguments({ clusterId, jobLabels: {} });
  const place = [`--name=${name}`, `--network=${network}`, "--entrypoint=sleep"];
  await docker.runContainer([...labels, ...place, facts.Config.Image, "600"]);
  return name;
}
