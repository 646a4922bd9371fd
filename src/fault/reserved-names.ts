import coerce from "semver/functions/coerce.js";
import { ConsulError } from "../consul/http.ts";
import { differences, has } from "../consul/versions.ts";
import type { Docker } from "../docker/docker.ts";
import { parseImage } from "../docker/image-reference.ts";
import { ActionError } from "../errors.ts";
import { type FoundAgent, isUp } from "../find/existing-cluster.ts";
import { dataDirectoryOf } from "../find/node-facts.ts";
import { byDatacenter, servers } from "../ready/agents.ts";
import { logTimed } from "../runner/log.ts";
import { type FaultStep, includes } from "./step.ts";

/**
 * Makes Consul forget stopped nodes that have lost their data, so that they can come back under their
 * names. Only for versions that would refuse them.
 *
 * @throws ActionError naming the nodes, if there is no leader to do it
 */
export async function releaseNames({ docker, cluster, hit }: FaultStep): Promise<void> {
  for (const there of byDatacenter(cluster.agents).values()) {
    const stopped = there.filter((each) => each.state === "stopped" && includes(hit, each));
    if (stopped.length === 0) continue;
    const [server] = servers(there).filter(isUp);
    const version = await versionIn(there, server);
    if (version === undefined || has(version, "namesAreReused")) continue;
    const lost = await withoutData(docker, stopped);
    for (const { node } of lost) {
      await deregister(node, server, version);
      logTimed(`${node} lost its data: removed the old node of this name from the catalog`);
    }
  }
}

/** What the agents run: as this one says, else as the tag of their image says. */
async function versionIn(
  agents: readonly FoundAgent[],
  asked: FoundAgent | undefined,
): Promise<string | undefined> {
  const members = await asked?.consul.members().catch((error: unknown) => {
    if (error instanceof ConsulError) return [];
    throw error;
  });
  const own = members?.find(({ node }) => node === asked?.node);
  const tag = parseImage(agents[0]?.facts.Config.Image ?? "")?.tag;
  return coerce(own?.version ?? tag)?.version;
}

/** Of these nodes, those without a node ID: they will come back with a new one. */
async function withoutData(docker: Docker, agents: readonly FoundAgent[]): Promise<FoundAgent[]> {
  const checked = agents.map(async (agent) => {
    const file = `${dataDirectoryOf(agent.facts)}/node-id`;
    return (await docker.getArchive(agent.container, file)) === undefined ? [agent] : [];
  });
  return (await Promise.all(checked)).flat();
}

async function deregister(
  node: string,
  server: FoundAgent | undefined,
  version: string,
): Promise<void> {
  try {
    if (server) return await server.consul.deregister(node);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    throw stillReserved(node, version, `${server?.node} answered: ${error.message}`, error);
  }
  throw stillReserved(node, version, "no server is running");
}

function stillReserved(node: string, version: string, seen: string, cause?: Error): ActionError {
  const message = `${node} lost its data, so it would come back as a new node, and Consul ${version} refuses that as long as the old node of this name is in the catalog. Removing that needs a leader, but ${seen}. Start servers that have their data first, then ${node}. Consul ${differences.namesAreReused.from} and later need no such order.`;
  return new ActionError(`${node} could not be started`, message, { cause });
}
