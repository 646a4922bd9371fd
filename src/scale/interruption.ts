/** What happens if a step ends early: nothing half done is left, and the message says what there is. */
import { setTimeout as sleep } from "node:timers/promises";
import { ConsulError } from "../consul/http.ts";
import type { Docker } from "../docker/docker.ts";
import { ActionError, counted, messageOf } from "../errors.ts";
import { agentIn, type FoundAgent } from "../find/existing-cluster.ts";
import { leave, untilOutOfRaft } from "../find/leave.ts";
import { labelOf } from "../find/node-facts.ts";
import { clusterFilter, labelNames, nodeFilter } from "../plan/labels.ts";
import { logTimed, warn } from "../runner/log.ts";
import { firstOf, type ScaleStep, type Unfinished } from "./step.ts";
import { forgetToken } from "./tokens.ts";

/** Milliseconds for all of it. The runner kills a canceled step after 10 s. */
const patience = 8000;
/** Milliseconds of these for a server to give back its vote. */
const leavePatience = 4000;

/**
 * Takes away the node that was being added or removed, and says what the cluster has now.
 *
 * @param reason - why the step ends
 * @returns what the step fails with
 */
export async function endEarly(step: ScaleStep, reason: unknown): Promise<unknown> {
  const deadline = AbortSignal.timeout(patience);
  const docker = step.cleanup.within(deadline);
  const { unfinished } = step;
  const lines: string[] = [];
  try {
    if (unfinished) {
      await takeAway(step, unfinished, { docker, deadline });
      lines.push(`${unfinished.agent.node} was taken away.`);
    }
    lines.push(await presentSize(docker, step));
  } catch (error) {
    const reasonLeft = deadline.aborted
      ? `it took more than ${patience / 1000} s`
      : messageOf(error);
    const node = unfinished?.agent.node ?? "The cluster";
    warn(`${node} may be left as it is: ${reasonLeft}. The main action's post step removes it.`, {
      title: "Cleaning up failed",
    });
  }
  if (!(reason instanceof ActionError)) return reason;
  const { title, explanation, quotes } = reason;
  const advice = "Run the step again to go on from there.";
  const message = [explanation, [...lines, advice].join(" ")].join("\n");
  return new ActionError(title, message, { cause: reason, quotes });
}

interface Cleaning {
  readonly docker: Docker;
  readonly deadline: AbortSignal;
}

async function takeAway(step: ScaleStep, unfinished: Unfinished, { docker, deadline }: Cleaning) {
  const { node, container } = unfinished.agent;
  const { agents, credentials } = step.cluster;
  const others = agents.filter((each) => each.node !== node);
  const first = firstOf(others);
  const [facts] = await docker.inspectContainers([container]);
  if (facts?.State.Running && unfinished.agent.role === "server") {
    const found: FoundAgent = { ...agentIn(facts, credentials), state: "running" };
    await giveBackVote(docker, found, others);
  }
  await docker.removeContainers([container]);
  try {
    // Otherwise the others see it as failed, and as a node of the catalog, for hours.
    if (facts) await first.consul.forceLeave(node);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    logTimed(`${first.node} could not make the others forget ${node}: ${error.message}`);
  }
  await forgetToken(first, unfinished, { timeout: leavePatience, signal: deadline });
}

/** A server that is gone and still has a vote could cost the others their quorum. */
async function giveBackVote(docker: Docker, agent: FoundAgent, others: readonly FoundAgent[]) {
  const over = new AbortController();
  const scoped = docker.within(over.signal);
  const left = leave(scoped, agent, leavePatience).catch((error: unknown) => {
    if (!over.signal.aborted) logTimed(`${agent.node} did not leave: ${messageOf(error)}`);
  });
  const out = untilOutOfRaft(agent, others, over.signal).catch(() => {});
  await Promise.race([
    left,
    out,
    sleep(leavePatience, undefined, { signal: over.signal }).catch(() => {}),
  ]);
  over.abort();
  await Promise.all([left, out]);
}

/** How many nodes the datacenter has, and which. */
async function presentSize(docker: Docker, { cluster, datacenter }: ScaleStep): Promise<string> {
  const names = await docker.containers(clusterFilter(cluster.clusterId), nodeFilter);
  const there = (await docker.inspectContainers(names)).filter(
    (facts) => labelOf(facts, labelNames.datacenter) === datacenter,
  );
  const nodes = there.map((facts) => ({
    node: labelOf(facts, labelNames.node),
    role: labelOf(facts, labelNames.role),
  }));
  return sizeText(datacenter, nodes);
}

/** A datacenter's nodes in a sentence. */
export function sizeText(
  datacenter: string,
  nodes: readonly { readonly node: string; readonly role: string }[],
): string {
  const ofRole = (role: string) => {
    const own = nodes
      .filter((each) => each.role === role)
      .map(({ node }) => node)
      .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));
    return `${counted(own.length, role)}${own.length > 0 ? ` (${own.join(", ")})` : ""}`;
  };
  return `Datacenter ${datacenter} now has ${ofRole("server")} and ${ofRole("client")}.`;
}
