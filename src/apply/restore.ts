/** Restoring the snapshot that a cluster file names. */
import pLimit from "p-limit";
import type { ConsulObject } from "../consul/answers.ts";
import type { Consul } from "../consul/consul.ts";
import { ConsulError } from "../consul/http.ts";
import { ActionError, counted, InputError } from "../errors.ts";
import type { ClusterSpec } from "../inputs/cluster-spec.ts";
import { problemAt } from "../inputs/file-problem.ts";
import type { DeclaredSnapshot } from "../inputs/seeds.ts";
import { placeText } from "../inputs/wording.ts";
import { credentialsFrom } from "../plan/security-files.ts";
import { type AgentClient, answerOf, ask, clientFor } from "../ready/agents.ts";
import { everyoneNames, type Gate, gatesFor } from "../ready/gates.ts";
import { aclGate } from "../ready/legacy-acls.ts";
import { untilHold, type Wait } from "../ready/wait.ts";
import { grantTokens, resync } from "./agent-tokens.ts";
import type { RunningCluster } from "./apply.ts";
import type { StartContext } from "./start-context.ts";

/** Consul accepts at most 200 connections from one client at a time. */
const requestsAtOnce = 16;

const failure = { title: "Consul is not ready", summary: "The restored cluster was not ready" };

/**
 * Restores a snapshot in a cluster of one datacenter that is ready, and waits until the cluster is
 * ready again. It then has the snapshot's data, and its own agents, tokens, and autopilot settings: a
 * snapshot has all of these, too. Consul's leader would remove the nodes of other agents within a minute,
 * and only then register those that it sees; here this is done at once.
 *
 * @throws InputError if Consul refuses the snapshot
 * @throws ActionError if a server does not answer, or the cluster does not get ready, in time
 */
export async function restore(
  { clusterId, log, signal, timeline }: StartContext,
  { snapshot, timeout }: Pick<ClusterSpec, "snapshot" | "timeout">,
  { agents, secrets }: RunningCluster,
): Promise<void> {
  if (!snapshot) return;
  const credentials = credentialsFrom(secrets);
  const clients = agents.map((agent) => clientFor(agent, credentials));
  const [server] = clients;
  if (!server) throw new Error("a cluster has at least one server");
  const patience = { timeout, signal };
  const asked = <T>(what: string, question: (consul: Consul) => Promise<T>) =>
    answerOf(server, what, question, patience);
  const names = clients.map(({ node }) => node);

  await timeline.during("restore", async () => {
    const own = await asked("tell what it has in the catalog", (consul) => ownState(consul, names));
    await load(snapshot, server, timeout);
    log(`${server.node} restored the snapshot`);
    if (secrets) await grantTokens(server, secrets, patience, clusterId);
    const removed = await asked("put its agents into the catalog", (consul) =>
      putBack(consul, own),
    );
    log(`removed from the catalog: ${counted(removed, "node")} of the snapshot's agents`);
    const wait = { timeout, signal, onChange: log };
    const gates = gatesFor(clients, secrets?.tokens !== undefined);
    const more = secrets?.tokens ? [aclGate] : [];
    await untilHold([...gates, ...more], () => clients, { ...wait, failure });
    await renewRoots(clients, wait);
    if (secrets) await resync(agents, secrets, wait);
  });
}

/** What a cluster has in its state of its own agents. */
interface OwnState {
  readonly autopilot: ConsulObject;
  readonly registrations: readonly ConsulObject[];
}

async function ownState(consul: Consul, nodes: readonly string[]): Promise<OwnState> {
  const limit = pLimit(requestsAtOnce);
  const [autopilot, registrations] = await Promise.all([
    consul.operator.autopilot(),
    Promise.all(nodes.map((node) => limit(() => consul.catalog.registrationsOf(node)))),
  ]);
  return { autopilot, registrations: registrations.flat() };
}

async function load(
  { name, place, content }: DeclaredSnapshot,
  { node, consul }: AgentClient,
  timeout: number,
): Promise<void> {
  try {
    await consul.operator.restore(content, timeout);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    if (error.status !== undefined)
      throw new InputError([problemAt(place, `Consul refused \`${name}\`: ${error.message}`)]);
    const message = `${placeText(place)}: ${node} did not restore \`${name}\`: ${error.message}. If the snapshot is large, raise \`timeout\`; servers that can't read a snapshot exit, and their logs say why.`;
    throw new ActionError("The snapshot was not restored", message, { cause: error });
  }
}

/**
 * Replaces the agents of the snapshot's cluster, which are the nodes that gossip watched, by those of this
 * one. Nodes that no agent registered stay.
 *
 * @returns how many nodes were removed
 */
async function putBack(consul: Consul, own: OwnState): Promise<number> {
  const limit = pLimit(requestsAtOnce);
  await consul.operator.setAutopilot(own.autopilot);
  const checks = await consul.catalog.checks("consistent");
  const nodes = new Set(checks.filter(({ id }) => id === "serfHealth").map(({ node }) => node));
  await Promise.all(Array.from(nodes, (node) => limit(() => consul.deregister(node))));
  for (const each of own.registrations) await consul.registerInCatalog(each);
  return nodes.size;
}

/**
 * Has every agent take over the snapshot's Connect CA. An agent remembers the roots that it got last, and
 * waits for an index above theirs, but those of a snapshot may have a lower one: servers from 1.14 on, which
 * have a certificate from the start, then refuse to issue others for as long as 10 minutes (`agent/cache`).
 * A change of the CA's settings raises the index, and the second one undoes it.
 */
async function renewRoots(
  clients: readonly AgentClient[],
  wait: Omit<Wait, "failure" | "after">,
): Promise<void> {
  const [server] = clients;
  if (!server) return;
  const asked = <T>(what: string, question: (consul: Consul) => Promise<T>) =>
    answerOf(server, what, question, wait);
  const ca = await asked("tell the settings of Connect's CA", ({ operator }) => operator.ca());
  if (!ca) return;
  const look: Gate["look"] = async (agents) => {
    const root = await asked("tell Connect's root", ({ operator }) => operator.caRoot("servers"));
    const answers = await ask(agents, async ({ operator }) => [
      { node: await operator.caRoot("agent") },
    ]);
    const named = answers.map(({ node, answer }) => ({
      node,
      answer: answer instanceof ConsulError ? answer : answer.map((each) => each.node),
    }));
    return everyoneNames([{ node: root }], named, "the Connect CA's root");
  };
  if ((await look(clients)).failing.length === 0) return;
  const LeafCertTTL = ca.Config.LeafCertTTL === "73h" ? "74h" : "73h";
  const changed = { ...ca, Config: { ...ca.Config, LeafCertTTL } };
  for (const settings of [changed, ca])
    await asked("change the settings of Connect's CA", ({ operator }) => operator.setCa(settings));
  const gate = { name: "every agent has the Connect CA of the snapshot", look };
  await untilHold([gate], () => clients, { ...wait, failure });
}
