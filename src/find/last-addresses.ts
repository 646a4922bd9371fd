import { parseTar } from "nanotar";
import { ConsulError } from "../consul/http.ts";
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { imageDataDirectory } from "../plan/container-arguments.ts";
import { type AgentClient, ask } from "../ready/agents.ts";

/** What a node's address can be learned from. */
interface Addressed {
  readonly node: string;
  /** Empty while it is stopped. */
  readonly ip: string;
  readonly facts: ContainerFacts;
}

/**
 * Each node's address by its name. A stopped node has none; its last one is what the agents that
 * work remember or, if all of them have forgotten, what the node itself does.
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

/** Where the agent in a container keeps its data, as the image's entrypoint decides it. */
export function dataDirectoryOf({ Config }: ContainerFacts): string {
  const variable = "CONSUL_DATA_DIR=";
  const given = Config.Env?.find((each) => each.startsWith(variable))?.slice(variable.length);
  return given || imageDataDirectory;
}
