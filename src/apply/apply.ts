import pLimit from "p-limit";
import { has } from "../consul/versions.ts";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import type { ClusterSpec, Role } from "../inputs/cluster-spec.ts";
import { givesTokens } from "../inputs/config-fragments.ts";
import { agentsElsewhere, isElsewhere } from "../plan/forwarder.ts";
import { keptArchive } from "../plan/kept-files.ts";
import { clusterFilter, nodeFilter } from "../plan/labels.ts";
import type { AgentPlan, ClusterPlan } from "../plan/plan.ts";
import {
  credentialsFrom,
  oldestVersion,
  type Secrets,
  secretsFor,
} from "../plan/security-files.ts";
import { byFederation, clientFor } from "../ready/agents.ts";
import { explainExit, explainNotReady } from "../ready/diagnosis.ts";
import { untilReady } from "../ready/wait.ts";
import type { WaitLimits } from "../runner/poll.ts";
import { withScope } from "../runner/scope.ts";
import type { Timeline } from "../runner/timeline.ts";
import { grantTokens, resync, untilSynced } from "./agent-tokens.ts";
import { findHostAddress } from "./host-address.ts";
import { type BegunKeys, secure } from "./secrets.ts";
import { type Begin, startAgent } from "./start-agent.ts";
import type { StartContext } from "./start-context.ts";
import { connectForwarder, failOnForwarderExit, startForwarder } from "./start-forwarder.ts";

/** How many containers start at once. More make the engine no faster (measured, 2 cores). */
const startsAtOnce = 8;
/** Milliseconds that tokens get beyond the gates' timeout. */
const tokenGrace = 2000;

/** A cluster that is ready. */
export interface RunningCluster {
  /** Undefined if nothing secures it. */
  readonly secrets: Secrets | undefined;
  /** The plan's agents, with the ports they got. */
  readonly agents: readonly AgentPlan[];
  /** IP address at which agents reach what listens on the runner; empty if they know none. */
  readonly hostAddress: string;
}

/**
 * Starts every agent of the plan and waits until the cluster is ready.
 *
 * Servers start first and alone, because the wait for an election, the longest of all, begins with
 * them. Clients, agent tokens, and the election then go on side by side, unless a client that tries
 * its token too early would not try again soon. The gates are looked at once every agent runs: none can
 * hold earlier, and questions would take time that starting needs.
 *
 * @param keys - what was begun for the plan's agents
 * @throws ActionError if an agent can't be started or exits, or when time is up
 */
export function apply(
  context: StartContext,
  plan: ClusterPlan,
  keys: BegunKeys,
): Promise<RunningCluster> {
  const { log, onSecret, timeline } = context;
  return withScope(context.signal, async ({ signal, start }) => {
    const docker = context.docker.within(signal);
    const agents = [...plan.agents];
    // More than the gates get: a gate that fails explains more.
    const timeout = plan.spec.timeout + tokenGrace;
    const exited = start(Promise.race(exitsOf(docker, plan, agents).map(start)));

    const coming = secure(docker, plan, { log, onSecret }, { keys });
    const secrets = start(coming.ofServers);
    const withClients = start(coming.ofAll);
    const forwarded = start(startForwarder(docker, plan, agents));
    const connected = start(forwarded.then((moved) => connectForwarder(docker, plan, moved)));
    const begin = { docker, plan, secrets, agents, forwarded, log, signal };
    const servers = start(timeline.during("servers", () => startRole(begin, "server")));
    // While agents boot and elect, these cost no time. Keys that nobody needs end, too, if a server can't start.
    start(servers.finally(keys.goOn));
    const kept = start(
      Promise.all([secrets, servers]).then(([made]) => keepForLater(docker, plan, made)),
    );
    const hostAddress = start(servers.then(() => askHostAddress(docker, agents, log)));
    const granted = start(
      Promise.all([secrets, servers]).then(
        ([made]) => made && grantAll(agents, made, { timeout, signal }),
      ),
    );
    const started = start(
      Promise.all([secrets, servers]).then(async ([made]) => {
        if (made && !syncOnTokenChange(made, plan)) await granted;
        const forClients = { ...begin, secrets: withClients };
        await timeline.during("clients", () => startRole(forClients, "client"));
      }),
    );
    const ready = start(
      secrets.then((made) => {
        const after = Promise.all([started, connected]);
        const wait = { timeout: plan.spec.timeout, onChange: log, signal, after };
        return untilPlanIsReady({ docker, agents, secrets: made, wait, timeline });
      }),
    );

    const all = [connected, started, granted, ready, hostAddress, kept];
    await Promise.race([exited, Promise.all(all)]);
    const made = await withClients;
    if (made && !givesTokens(plan.spec))
      await resync(agents, made, { timeout, signal, onChange: log });
    // Before an agent has synced, the catalog has its name and address only.
    const described = agents.filter(hasOwnConfig(plan.spec));
    const credentials = credentialsFrom(made);
    const clients = described.map((agent) => clientFor(agent, credentials));
    if (clients.length > 0) await untilSynced(clients, { timeout, signal, onChange: log });
    return { secrets: made, agents, hostAddress: await hostAddress };
  });
}

/** Whether a node has configuration of its own, such as metadata. */
const hasOwnConfig =
  ({ nodes }: ClusterSpec) =>
  ({ node }: AgentPlan) =>
    (nodes.get(node)?.config ?? "") !== "";

/** Whether every agent syncs with the catalog at once when its token is set. */
const syncOnTokenChange = (secrets: Secrets, { agents }: ClusterPlan) =>
  has(
    oldestVersion(
      secrets,
      agents.map(({ node }) => node),
    ),
    "syncOnTokenChange",
  );

/** Each rejects as soon as something ends that must go on. */
const exitsOf = (docker: Docker, plan: ClusterPlan, agents: readonly AgentPlan[]) => [
  failOnExit(docker, plan, agents),
  ...(agentsElsewhere(plan.agents).length > 0 ? [failOnForwarderExit(docker, plan)] : []),
];

/** Rejects as soon as an agent exits. */
async function failOnExit(
  docker: Docker,
  { prerequisites }: ClusterPlan,
  agents: readonly AgentPlan[],
): Promise<never> {
  const filters = [clusterFilter(prerequisites.clusterId), nodeFilter];
  const exit = await docker.firstExit(filters, new Date());
  throw await explainExit(docker, prerequisites.image.reference, agents, exit);
}

/** Nodes that come later are made from this. */
async function keepForLater(docker: Docker, plan: ClusterPlan, secrets: Secrets | undefined) {
  const [first] = plan.agents;
  if (first) await docker.putArchive(first.container, keptArchive(plan, secrets));
}

/** Datacenters that are joined over WAN have their ACLs in common; all have the same shared tokens. */
async function grantAll(
  agents: readonly AgentPlan[],
  secrets: Secrets,
  patience: WaitLimits,
): Promise<void> {
  const credentials = credentialsFrom(secrets);
  const grants = [...byFederation(agents).values()].map(async (joined) => {
    const [first] = joined;
    if (first)
      await grantTokens(clientFor(first, credentials), secretsFor(secrets, joined), patience);
  });
  await Promise.all(grants);
}

/** A cluster does not depend on it: if it can't be found, the log says why. */
async function askHostAddress(
  docker: Docker,
  [first]: readonly AgentPlan[],
  log: (line: string) => void,
): Promise<string> {
  try {
    return first ? await findHostAddress(docker, first) : "";
  } catch (error) {
    // From the engine or, in a job container, from the network.
    const isOutside = error instanceof DockerError || (error instanceof Error && "code" in error);
    if (!isOutside) throw error;
    log(`The output \`host-address\` is empty: ${error.message}`);
    return "";
  }
}

interface ReadyWait {
  readonly docker: Docker;
  readonly agents: readonly AgentPlan[];
  readonly secrets: Secrets | undefined;
  readonly wait: Parameters<typeof untilReady>[2];
  readonly timeline: Timeline;
}

async function untilPlanIsReady({ docker, agents, secrets, wait, timeline }: ReadyWait) {
  const credentials = credentialsFrom(secrets);
  const current = () => agents.map((agent) => clientFor(agent, credentials));
  try {
    await untilReady(current, credentials.token !== undefined, wait, timeline);
  } catch (error) {
    throw await explainNotReady(docker, agents, error);
  }
}

/** What it takes to start a plan's agents. */
interface BeginAll extends Begin {
  /** The agents as they are now. An agent that gets other ports is replaced here. */
  readonly agents: AgentPlan[];
  /** The same, with the ports that lead to those on other engines, which have to wait for that. */
  readonly forwarded: Promise<readonly AgentPlan[]>;
  readonly signal: AbortSignal;
}

/** Starts the agents of a role, several at a time. */
function startRole(begin: BeginAll, role: Role): Promise<void> {
  const { plan, agents, log } = begin;
  const ofRole = [...plan.agents.entries()].filter(([, agent]) => agent.role === role);
  const limit = pLimit(startsAtOnce);
  return withScope(begin.signal, async ({ signal, start }) => {
    const scoped = { ...begin, docker: begin.docker.within(signal) };
    const tasks = ofRole.map(async ([index, planned]) => {
      const moved = isElsewhere(planned) ? (await begin.forwarded)[index] : undefined;
      const agent = moved ?? planned;
      agents[index] = await limit(() => startAgent(scoped, agent));
      log(`${agent.node} started`);
    });
    await Promise.all(tasks.map(start));
  });
}
