import { parseTar } from "nanotar";
import { ConsulError } from "../consul/http.ts";
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { type AgentClient, ask } from "../ready/agents.ts";
import { dataDirectoryOf } from "./node-facts.ts";

/** A node and where to look for its address. */
interface Addressed {
  readonly node: string;
  /** Empty while the node is stopped. */
  readonly ip: string;
  readonly facts: ContainerFacts;
}

/**
 * Each node's address, by node name. A stopped node has none: its last address comes from the
 * running agents' member lists or, if they have all forgotten the node, from its own data.
 *
 * @param working - the agents to ask
 */
export async function lastAddresses(
  docker: Docker,
  agents: readonly Addressed[],
  working: readonly AgentClient[],
): Promise<ReadonlyMap<string, string>> {
  const now = agents.filter(({ ip }) => ip !== "").map(({ node, ip }) => [node, ip] as const);
  const answers = await ask(working, (consul) => consul.members());
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

/** The member list that an agent keeps on disk (Serf's snapshot); empty if there is none. */
async function memberList(docker: Docker, facts: ContainerFacts): Promise<string> {
  const file = `${dataDirectoryOf(facts)}/serf/local.snapshot`;
  const archive = await docker.getArchive(facts.Name, file);
  return archive ? (parseTar(archive)[0]?.text ?? "") : "";
}

/** @returns each member's name and address, from lines like `alive: server-1 172.18.0.2:8301` */
export function membersIn(snapshot: string): (readonly [node: string, ip: string])[] {
  const lines = snapshot.matchAll(/^alive: (\S+) (.+):\d+$/gm);
  return Array.from(lines, ([, node = "", ip = ""]) => [node, ip] as const);
}
