import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as core from "@actions/core";
import type { Member } from "../consul/answers.ts";
import type { Consul } from "../consul/consul.ts";
import type { Credentials } from "../consul/http.ts";
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { reachable } from "../docker/reach.ts";
import { messageOf } from "../errors.ts";
import { agentIn, readCredentials } from "../find/existing-cluster.ts";
import { labelOf } from "../find/node-facts.ts";
import { clusterFilter, forwarderFilter, labelNames, nodeFilter } from "../plan/labels.ts";
import { showForeign, warn } from "../runner/log.ts";
import { giveToOwnerOfFolder } from "../runner/ownership.ts";
import type { LastSeen } from "./last-seen.ts";
import { redact, secretsIn } from "./redact.ts";
import { runnerFolder, writing } from "./runner-folder.ts";

/** The last lines of each agent's log that the step's log shows; the files have all lines. */
const shownLines = 50;

/** Time limit in milliseconds: an engine that hangs must not hold up the end of the step. */
const timeLimit = 20_000;

/** What is known about one agent, or about what leads to agents on other engines. */
interface AgentEvidence {
  /** Name of the node; of the container, if it is none. */
  readonly node: string;
  readonly datacenter: string;
  /** Empty if it is no agent. */
  readonly role: string;
  /** A few words: `running`, `exited with code 1`. */
  readonly state: string;
  readonly log: string;
  /** A selection of what `docker inspect` shows. */
  readonly inspect: unknown;
}

/**
 * The folder for a cluster's evidence, which a later step can upload. It is next to the folder that
 * the post step removes.
 */
export function evidenceFolder(
  clusterId: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return `${runnerFolder(clusterId, env)}-logs`;
}

interface Evidence {
  /** Sorted: the newest problem first. */
  readonly agents: readonly AgentEvidence[];
  /** What the running agents answer. */
  readonly views: Views;
  readonly secrets: readonly string[];
}

/** What each running agent answers, by node name; a text if it gives no answer. */
type ByNode<T> = Readonly<Record<string, T | string>>;

/** By the name of the file to write. */
interface Views {
  readonly members: ByNode<readonly Member[]>;
  readonly raft: ByNode<unknown>;
  readonly leader: ByNode<string>;
  /** If the cluster was started with any. */
  readonly peerings?: ByNode<unknown>;
}

/** What a summary has of the evidence. */
export interface Seen {
  readonly nodes: readonly LastSeen[];
  /** What must not be shown with it. */
  readonly secrets: readonly string[];
}

export const nothingSeen: Seen = { nodes: [], secrets: [] };

/**
 * Does the same as `gatherEvidence` when something has failed already: its own failures are only
 * warnings.
 *
 * @param folder - as there; empty if nothing is to be shown or written
 * @returns what was last seen of each node
 */
export async function showEvidence(
  docker: Docker,
  clusterId: string,
  folder: string,
): Promise<Seen> {
  let seen = nothingSeen;
  try {
    const evidence = await collectEvidence(docker, clusterId);
    seen = seenIn(evidence);
    if (folder !== "") await saveEvidence(evidence, folder);
  } catch (error) {
    warn(`The agents' logs can't be saved: ${messageOf(error)}`);
  }
  return seen;
}

/**
 * Shows the agents' states and logs as groups in the log, and writes them to files. If the cluster
 * has no containers, there is nothing to show or to write.
 *
 * @param folder - the folder for the files; it is created
 * @throws ActionError if the engine does not answer, or the files can't be written
 */
export async function gatherEvidence(
  docker: Docker,
  clusterId: string,
  folder: string,
): Promise<void> {
  await saveEvidence(await collectEvidence(docker, clusterId), folder);
}

async function saveEvidence(evidence: Evidence, folder: string): Promise<void> {
  for (const { node, state, log } of evidence.agents)
    showForeign(`${node} ${state}`, log.trimEnd().split("\n").slice(-shownLines));
  if (evidence.agents.length > 0) await writing(folder, () => writeEvidence(evidence, folder));
}

function seenIn({ agents, views, secrets }: Evidence): Seen {
  const ofNodes = agents.filter(({ role }) => role !== "");
  const nodes = ofNodes.toSorted(asPlanned).map(({ node, datacenter, state }) => {
    const leader = views.leader[node] ?? "";
    return { node, datacenter, state, members: views.members[node], leader };
  });
  return { nodes, secrets };
}

/** The evidence has the newest problem first, a table of nodes the servers of each datacenter. */
const asPlanned = (a: AgentEvidence, b: AgentEvidence) =>
  a.datacenter.localeCompare(b.datacenter) ||
  b.role.localeCompare(a.role) ||
  a.node.localeCompare(b.node, "en", { numeric: true });

async function collectEvidence(patient: Docker, clusterId: string): Promise<Evidence> {
  const { docker: answering, silent } = await reachable(patient);
  for (const { name, reason } of silent)
    warn(`Nothing can be saved of the agents on the engine ${name}: ${reason}`);
  const docker = answering.within(AbortSignal.timeout(timeLimit));
  const [nodes, forwarders] = await Promise.all([
    docker.containers(clusterFilter(clusterId), nodeFilter),
    docker.containers(clusterFilter(clusterId), forwarderFilter),
  ]);
  const found = await docker.inspectContainers([...nodes, ...forwarders]);
  // A forwarder that runs says nothing.
  const containers = found
    .filter(({ Name, State }) => nodes.includes(Name) || !State.Running)
    .toSorted(byNewestProblem);
  const credentials = await readCredentials(docker, containers);
  const secrets = [
    ...containers.flatMap(({ Config }) => secretsIn(Config.Env ?? [], Config.Cmd ?? [])),
    ...(credentials.token ? [credentials.token] : []),
  ];
  const [agents, views] = await Promise.all([
    Promise.all(containers.map((container) => agentEvidence(docker, container, secrets))),
    viewsOf(
      containers.filter(({ State }) => State.Status === "running"),
      credentials,
    ),
  ]);
  return { agents, views, secrets };
}

/** The container that exited last comes first; running containers come last, by name. */
function byNewestProblem(a: ContainerFacts, b: ContainerFacts): number {
  const ended = ({ State }: ContainerFacts) => (State.Status === "running" ? "" : State.FinishedAt);
  return ended(b).localeCompare(ended(a)) || a.Name.localeCompare(b.Name);
}

const nodeLabel = ({ Name, Config }: ContainerFacts) => Config.Labels?.[labelNames.node] ?? Name;

async function agentEvidence(
  docker: Docker,
  container: ContainerFacts,
  secrets: readonly string[],
): Promise<AgentEvidence> {
  const { State, HostConfig, NetworkSettings, Config } = container;
  const lines = await docker.logs(container.Name, "all").catch((error) => [messageOf(error)]);
  const clean = (texts: readonly string[]) => texts.map((text) => redact(text, secrets));
  const isOver = State.Status === "exited" || State.Status === "dead";
  return {
    node: nodeLabel(container),
    datacenter: Config.Labels?.[labelNames.datacenter] ?? "",
    role: Config.Labels?.[labelNames.role] ?? "",
    state: isOver ? `exited with code ${State.ExitCode}` : State.Status,
    log: redact(lines.map((line) => `${line}\n`).join(""), secrets),
    inspect: {
      container: container.Name,
      image: Config.Image,
      state: State,
      memoryLimit: HostConfig.Memory,
      command: clean(Config.Cmd ?? []),
      env: clean(Config.Env ?? []).map(withoutSecretValue),
      ports: HostConfig.PortBindings,
      networks: NetworkSettings.Networks,
    },
  };
}

/** Removes the value of a variable whose name says that it is a secret, however short it is. */
const withoutSecretValue = (entry: string) =>
  secretsIn([entry], []).length > 0 ? entry.replace(/=.*$/s, "=***") : entry;

/** The members, the Raft configuration, the leader, and peerings, as each running agent sees them. */
async function viewsOf(
  containers: readonly ContainerFacts[],
  credentials: Credentials,
): Promise<Views> {
  const ask = async <T>(question: (consul: Consul) => Promise<T>): Promise<ByNode<T>> => {
    const answers = containers.map(async (container) => {
      const answer = await question(agentIn(container, credentials).consul).catch(messageOf);
      return [nodeLabel(container), answer] as const;
    });
    return Object.fromEntries(await Promise.all(answers));
  };
  const isPeered = containers.some((container) => labelOf(container, labelNames.dials) !== "");
  const [members, raft, leader, peerings] = await Promise.all([
    ask((consul) => consul.members()),
    ask((consul) => consul.raftPeers()),
    ask((consul) => consul.leader()),
    isPeered ? ask((consul) => consul.peerings.all()) : undefined,
  ]);
  return { members, raft, leader, ...(peerings && { peerings }) };
}

async function writeEvidence({ agents, views }: Evidence, folder: string): Promise<void> {
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
  const files = [
    ...agents.flatMap(({ node, log, inspect }) => [
      [`${node}.log`, log] as const,
      [`${node}.json`, json(inspect)] as const,
    ]),
    ...Object.entries(views).map(([name, view]) => [`${name}.json`, json(view)] as const),
  ];
  // Its parent exists. (`recursive` would retry forever in a file system such as /proc.)
  if (!existsSync(folder)) mkdirSync(folder);
  giveToOwnerOfFolder(folder);
  for (const [name, content] of files) {
    const file = join(folder, name);
    writeFileSync(file, content);
    giveToOwnerOfFolder(file);
  }
  core.info(`Logs, container details, members, Raft configuration, and leader are in ${folder}`);
}
