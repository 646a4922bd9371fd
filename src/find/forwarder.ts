/** What leads a job to agents on other engines, in later steps. */
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { ActionError } from "../errors.ts";
import { forwarding } from "../plan/forwarder.ts";
import { clusterFilter, forwarderFilter } from "../plan/labels.ts";
import type { AgentPlan } from "../plan/plan.ts";
import { warn } from "../runner/log.ts";
import { poll } from "../runner/poll.ts";
import { explainTaken, isForwarded, refuseTaken } from "./taken-ports.ts";

/** What is known of a node's container. */
type FoundNode = AgentPlan & { readonly facts: ContainerFacts };

/** Milliseconds that a forwarder may take to make its rules. */
const patience = 20_000;

/** Names of a cluster's forwarders. @param agents - none is asked for if none needs one */
export const forwardersOf = async (
  docker: Docker,
  clusterId: string,
  agents: readonly FoundNode[],
): Promise<string[]> =>
  agents.some(isForwarded) ? docker.containers(clusterFilter(clusterId), forwarderFilter) : [];

/**
 * Starts forwarders of a cluster that have exited: with their machine, say. Agents on other engines could
 * not be asked otherwise.
 *
 * @throws ActionError if somebody removed them, if others use their ports, or if they exit again
 */
export async function startForwarders(
  docker: Docker,
  clusterId: string,
  agents: readonly FoundNode[],
): Promise<void> {
  if (!agents.some(isForwarded)) return;
  const forwarders = await docker.inspectContainers(await forwardersOf(docker, clusterId, agents));
  const kept = forwarders.flatMap((each) => [...portsOf(each)]);
  const gone = agents.filter(
    (agent) => isForwarded(agent) && agent.publications.some(({ port }) => !kept.includes(port)),
  );
  if (gone.length > 0)
    throw new ActionError(
      "No way to other engines",
      `${gone.map(({ node }) => node).join(", ")}: on other engines, and the container consul-${clusterId}-forwarder, or another of such a name, through which the job reached them, is gone. No step of this action removes it before them. Start the cluster again.`,
    );
  await Promise.all(
    forwarders
      .filter(({ State }) => !State.Running)
      .map((each) => startAgain(docker, each, agents)),
  );
}

/** Ports of the loopback that a forwarder has while it runs. */
const portsOf = ({ HostConfig }: ContainerFacts): ReadonlySet<number> =>
  new Set(
    Object.values(HostConfig.PortBindings ?? {}).flatMap((bindings) =>
      bindings.map(({ HostPort }) => Number(HostPort)),
    ),
  );

async function startAgain(
  docker: Docker,
  forwarder: ContainerFacts,
  agents: readonly FoundNode[],
): Promise<void> {
  const { Name, State } = forwarder;
  const ports = portsOf(forwarder);
  const forwarded = agents.map((agent) => ({
    ...agent,
    publications: agent.publications.filter(({ port }) => isForwarded(agent) && ports.has(port)),
  }));
  const kept = (nodes: string) =>
    `Others use ports of ${nodes}. These are on other engines, and the container ${Name} leads to them from these ports. It had exited, and keeps its ports, so that the outputs stay true: stop what uses them, and repeat this step.`;
  await refuseTaken(docker, forwarded, kept);
  const before = await docker.logs(Name, "all");
  await docker.change("start", [Name]).catch(async (error: unknown) => {
    if (!(error instanceof DockerError) || error.failure !== "port-taken") throw error;
    throw await explainTaken(docker, forwarded, kept, error);
  });
  await untilForwarding(docker, Name, before.length);
  const last = before.filter((line) => line !== forwarding).at(-1);
  const words = last === undefined ? "" : `, with the last words: ${last}`;
  warn(
    `The container ${Name}, through which the job reaches agents on other engines, had exited (exit code ${State.ExitCode}${words}). It was started again.`,
    { title: "Started the way to other engines again" },
  );
}

/** @param known - lines of its log before it was started */
async function untilForwarding(docker: Docker, name: string, known: number): Promise<void> {
  const limits = { timeout: patience, signal: new AbortController().signal };
  await poll(async () => {
    const lines = (await docker.logs(name, "all")).slice(known);
    if (lines.includes(forwarding)) return undefined;
    const [facts] = await docker.inspectContainers([name]);
    const failure = () =>
      new ActionError(
        "No way to other engines",
        `The container ${name}, through which the job reaches agents on other engines, does not forward.`,
        { quotes: [{ heading: "Its log:", lines: lines.length > 0 ? lines : ["(empty)"] }] },
      );
    if (facts?.State.Running !== true) throw failure();
    return failure;
  }, limits);
}
