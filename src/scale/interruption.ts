/** What happens if a step ends early: nothing half done is left, and the message says what there is. */
import { setTimeout as sleep } from "node:timers/promises";
import { ConsulError } from "../consul/http.ts";
import type { Docker } from "../docker/docker.ts";
import { ActionError, counted, messageOf } from "../errors.ts";
import { agentIn, type FoundAgent } from "../find/existing-cluster.ts";
import { labelOf } from "../find/node-facts.ts";
import { clusterFilter, labelNames, nodeFilter } from "../plan/labels.ts";
import { logTimed, warn } from "../runner/log.ts";
import { containersOf } from "./across-engines.ts";
import { agentsThere, firstOf, firstOfPrimary, type ScaleStep, type Unfinished } from "./step.ts";
import { forgetToken } from "./tokens.ts";

/** Milliseconds for all of it. The runner kills a canceled step after 10 s. */
const patience = 8000;
/** Milliseconds of these for a server that was started to get into Raft. */
const joinPatience = 2000;
/** Milliseconds between two looks. */
const pause = 50;
/** Consul's own; configuration can't change it. */
const raftPort = 8300;

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
    if (unfinished && lines.length === 0)
      warn(
        `${unfinished.agent.node} may be left as it is: ${reasonLeft}. The main action's post step removes it.`,
        { title: "Cleaning up failed" },
      );
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
  const { node, container, role } = unfinished.agent;
  const { credentials } = step.cluster;
  const here = firstOf(agentsThere(step));
  const [facts] = await docker.inspectContainers([container]);
  const ip = facts && role === "server" ? agentIn(facts, credentials).ip : "";
  const isRunning = facts?.State.Running === true;
  if (ip !== "") await takeOutOfRaft(here, ip, isRunning ? joinPatience : 0);
  const { clusterId } = step.cluster;
  await docker.removeContainers(containersOf(docker, clusterId, unfinished.agent));
  // It may have got in meanwhile.
  if (ip !== "") await takeOutOfRaft(here, ip, 0);
  // Otherwise the others see it as failed, and as a node of the catalog, for hours.
  if (facts) await unlessRefused(here, `forget ${node}`, ({ consul }) => consul.forceLeave(node));
  await forgetToken(firstOfPrimary(step), unfinished, { timeout: joinPatience, signal: deadline });
}

/**
 * A server that is gone but still in Raft could cost the others their quorum: autopilot gives a vote even to
 * one that it does not yet know to be gone (seen on 1.8.7, with two servers). So it goes from Raft first, and
 * not by leaving, which takes longer than the runner waits.
 *
 * @param asked - another server
 * @param patience - milliseconds to wait until it is in Raft, if it is about to join
 */
async function takeOutOfRaft(asked: FoundAgent, ip: string, patience: number): Promise<void> {
  await unlessRefused(asked, `take ${ip} out of Raft`, async ({ consul }) => {
    const since = performance.now();
    while (!(await consul.raftPeers()).some((peer) => peer.ip === ip)) {
      if (performance.now() - since > patience) return;
      await sleep(pause);
    }
    await consul.removeRaftPeer(`${ip}:${raftPort}`);
  });
}

/** A refusal is only logged: what comes after it is worth doing in any case. */
async function unlessRefused(
  asked: FoundAgent,
  what: string,
  request: (asked: FoundAgent) => Promise<void>,
): Promise<void> {
  try {
    await request(asked);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    logTimed(`${asked.node} could not ${what}: ${error.message}`);
  }
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
