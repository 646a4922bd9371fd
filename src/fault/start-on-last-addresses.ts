import { parseTar } from "nanotar";
import { ConsulError } from "../consul/http.ts";
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import {
  dataDirectoryOf,
  type FoundAgent,
  type FoundCluster,
  isUp,
} from "../find/existing-cluster.ts";
import { labelArguments } from "../plan/labels.ts";
import { ask } from "../ready/agents.ts";

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
  const addresses = await lastAddresses(docker, cluster.agents);
  const running = hit.filter((agent) => !isStopped(agent));
  await docker.change(
    "stop",
    running.map(({ container }) => container),
  );
  const stopped = cluster.agents.filter((agent) => isStopped(agent) || running.includes(agent));
  const holders: string[] = [];
  try {
    for (const agent of byAddress(stopped, addresses))
      if (hit.includes(agent)) await docker.startContainer(agent.container);
      else holders.push(await holdAddress(docker, agent, cluster));
  } finally {
    await docker.removeContainers(holders);
  }
}

/**
 * Each node's address by its name. Those of stopped nodes are the last that the agents that work
 * remember or, where all those have forgotten, that the node itself does.
 */
export async function lastAddresses(
  docker: Docker,
  agents: readonly FoundAgent[],
): Promise<ReadonlyMap<string, string>> {
  const now = agents.filter(({ ip }) => ip !== "").map(({ node, ip }) => [node, ip] as const);
  const answers = await ask(agents.filter(isUp), (consul) => consul.members());
  const members = answers.flatMap(({ answer }) => (answer instanceof ConsulError ? [] : answer));
  const known = new Map([...members.map(({ node, ip }) => [node, ip] as const), ...now]);
  const forgotten = agents.filter(({ node }) => !known.has(node));
  const own = await Promise.all(
    forgotten.map(async ({ node, facts }) =>
      membersIn(await memberList(docker, facts)).filter(([name]) => name === node),
    ),
  );
  return new Map([...own.flat(), ...known]);
}

/** The list of members that an agent keeps on its disk (serf's snapshot); empty for none. */
async function memberList(docker: Docker, facts: ContainerFacts): Promise<string> {
  const file = `${dataDirectoryOf(facts)}/serf/local.snapshot`;
  const archive = await docker.getArchive(facts.Name, file);
  return archive ? (parseTar(archive)[0]?.text ?? "") : "";
}

/** @returns node and address of each member, of lines such as `alive: server-1 172.18.0.2:8301` */
export function membersIn(snapshot: string): (readonly [node: string, ip: string])[] {
  const lines = snapshot.matchAll(/^alive: (\S+) (.+):\d+$/gm);
  return Array.from(lines, ([, node = "", ip = ""]) => [node, ip] as const);
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
