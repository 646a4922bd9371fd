import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as core from "@actions/core";
import type { Consul } from "../consul/consul.ts";
import type { Credentials } from "../consul/http.ts";
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { messageOf } from "../errors.ts";
import { agentIn, readCredentials } from "../find/existing-cluster.ts";
import { clusterFilter, labelNames, nodeFilter } from "../plan/labels.ts";
import { showForeign } from "../runner/log.ts";
import { redact, secretsIn } from "./redact.ts";
import { runnerFolder } from "./runner-folder.ts";

/** Lines of each agent's log that are shown in the step's log; the files have all. */
const shownLines = 50;

/** Milliseconds that gathering may take: an engine that hangs must not hold up the step's end. */
const patience = 20_000;

/** What there is to know of one agent after the fact. */
interface AgentEvidence {
  readonly node: string;
  /** In a few words: `running`, `exited with code 1`. */
  readonly state: string;
  readonly log: string;
  /** The engine's facts in short. */
  readonly inspect: unknown;
}

/**
 * Where a cluster's evidence goes: a folder that a later step can upload, beside that which the post
 * step removes.
 */
export function evidenceFolder(
  clusterId: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return `${runnerFolder(clusterId, env)}-logs`;
}

interface Evidence {
  /** The newest problem first. */
  readonly agents: readonly AgentEvidence[];
  /** What each running agent answers, by the name of the file it goes to. */
  readonly views: Readonly<Record<string, unknown>>;
}

/**
 * Shows how a cluster fared, as groups in the log, and writes it to files. It comes after a
 * failure, so whatever fails in here is said and does not end the step.
 *
 * @param folder - where the files go; it is made
 */
export async function showEvidence(
  docker: Docker,
  clusterId: string,
  folder: string,
): Promise<void> {
  try {
    const evidence = await gather(docker.within(AbortSignal.timeout(patience)), clusterId);
    for (const { node, state, log } of evidence.agents)
      showForeign(`${node} ${state}`, log.trimEnd().split("\n").slice(-shownLines));
    if (evidence.agents.length > 0) write(evidence, folder);
  } catch (error) {
    core.warning(`The agents' logs can't be shown: ${messageOf(error)}`);
  }
}

async function gather(docker: Docker, clusterId: string): Promise<Evidence> {
  const names = await docker.containers(clusterFilter(clusterId), nodeFilter);
  const containers = (await docker.inspectContainers(names)).toSorted(byNewestProblem);
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
  return { agents, views };
}

/** Whose process ended last comes first, and those that run come last, by name. */
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

/** Of a variable that is named like a secret only the name stays, however short its value. */
const withoutSecretValue = (entry: string) =>
  secretsIn([entry], []).length > 0 ? entry.replace(/=.*$/s, "=***") : entry;

/** Who sees whom, which servers raft has, and who leads, as each agent that runs answers. */
async function viewsOf(
  containers: readonly ContainerFacts[],
  credentials: Credentials,
): Promise<Evidence["views"]> {
  const ask = async (question: (consul: Consul) => Promise<unknown>) => {
    const answers = containers.map(async (container) => {
      const answer = await question(agentIn(container, credentials).consul).catch(messageOf);
      return [nodeLabel(container), answer] as const;
    });
    return Object.fromEntries(await Promise.all(answers));
  };
  const [members, raft, leader] = await Promise.all([
    ask((consul) => consul.members()),
    ask((consul) => consul.raftPeers()),
    ask((consul) => consul.leader()),
  ]);
  return { members, raft, leader };
}

function write({ agents, views }: Evidence, folder: string): void {
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
  const files = [
    ...agents.flatMap(({ node, log, inspect }) => [
      [`${node}.log`, log] as const,
      [`${node}.json`, json(inspect)] as const,
    ]),
    ...Object.entries(views).map(([name, view]) => [`${name}.json`, json(view)] as const),
  ];
  try {
    // Its parent is there. (`recursive` would try for ever in a file system such as /proc.)
    if (!existsSync(folder)) mkdirSync(folder);
    for (const [name, content] of files) writeFileSync(join(folder, name), content);
    core.info(`Logs, container facts, members, raft and leader are in ${folder}`);
  } catch (error) {
    core.warning(`The agents' logs can't be written to ${folder}: ${messageOf(error)}`);
  }
}
