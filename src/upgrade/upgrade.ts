import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dirname } from "node:path/posix";
import * as core from "@actions/core";
import { type Consul, ConsulError } from "../consul/consul.ts";
import { Docker } from "../docker/docker.ts";
import { findImage } from "../docker/find-image.ts";
import { ActionError, InputError } from "../errors.ts";
import { overWan, raftIsSettled } from "../fault/effect.ts";
import type { Raft } from "../fault/target.ts";
import {
  type FoundAgent,
  type FoundCluster,
  findCluster,
  isUp,
  lookAgain,
  nodeOf,
} from "../find/existing-cluster.ts";
import { raftOf } from "../find/raft.ts";
import { whileAllRun } from "../find/while-all-run.ts";
import { securityFolder, takesLegacyTokens } from "../plan/agent-config.ts";
import { securityArchiveFor } from "../plan/security-files.ts";
import {
  ask,
  byDatacenter,
  everyoneNames,
  type Gate,
  readyGates,
  servers,
  untilHold,
} from "../ready/gates.ts";
import { evidenceFolder, showEvidence } from "../report/evidence.ts";
import { cancellation } from "../runner/cancellation.ts";
import { fail, timed } from "../runner/log.ts";
import { isOlder, isSameVersion, versionOf } from "./image-version.ts";
import { replacementArguments } from "./replacement.ts";
import { parseUpgradeInputs, type UpgradeSpec, upgradeImages } from "./upgrade-inputs.ts";
import { WriteProbe } from "./write-probe.ts";

/** The outputs, in the order of upgrade/action.yml. */
export const upgradeOutputNames = [
  "version",
  "leader",
  "nodes",
  "snapshot",
  "downtime-ms",
] as const;

/** The step `upgrade`: every agent is replaced by one of another version, one at a time. */
export async function upgrade(): Promise<void> {
  const canceled = cancellation();
  const docker = new Docker(canceled, core.debug);
  let begun = "";
  try {
    const spec = parseUpgradeInputs(core.getInput);
    const cluster = await findCluster(docker, spec.cluster, process.env);
    refuseUnlessWhole(cluster.agents);
    const target = await chosen(docker, spec, cluster, canceled);
    begun = cluster.clusterId;
    await core.group("Upgrade", () => upgradeAll(docker, spec, cluster, target, canceled));
    const after = await lookAgain(docker, cluster);
    const [there = []] = partsOf(after);
    const { leader } = await raftOf(there);
    output("version", target.version);
    output("leader", leader);
    output("nodes", JSON.stringify(after.agents.map(nodeOf)));
  } catch (error) {
    fail(canceled.aborted ? canceled.reason : error);
    if (begun !== "" && !canceled.aborted)
      await showEvidence(docker, begun, evidenceFolder(begun, process.env));
  }
}

const output = (name: (typeof upgradeOutputNames)[number], value: string) =>
  core.setOutput(name, value);

/** One datacenter after another, the primary one first, as Consul's upgrade guide has it. */
async function upgradeAll(
  docker: Docker,
  spec: UpgradeSpec,
  cluster: FoundCluster,
  target: UpgradeTarget,
  signal: AbortSignal,
): Promise<void> {
  const parts = partsOf(cluster);
  const summary = "The cluster was not ready to upgrade";
  for (const there of parts)
    await untilHold(readyGates, () => there, waitFor(spec, summary, signal));
  const { clusterId } = cluster;
  const key = `consul-cluster-action/upgrade-${clusterId}`;
  const snapshots: string[] = [];
  for (const there of parts)
    snapshots.push(await saveSnapshot(firstOf(there), clusterId, key, spec.timeout));
  output("snapshot", snapshots.length === 1 ? snapshots.join() : JSON.stringify(snapshots));

  let downtime = 0;
  for (const there of parts) {
    const probe = new WriteProbe(key, there);
    try {
      for (const agent of inOrder(there, await raftOf(there)))
        await upgradeOne(docker, spec, cluster, agent, target, probe);
    } finally {
      downtime = Math.max(downtime, await probe.stop());
      output("downtime-ms", String(downtime));
    }
    await told(firstOf(there), "removal of a key", (consul) => consul.deleteKey(key));
  }
}

/** The agents of each datacenter. */
const partsOf = ({ agents }: FoundCluster) => [...byDatacenter(agents).values()];

/** Replaces one agent, and waits until it is as good as the old one. */
async function upgradeOne(
  docker: Docker,
  spec: UpgradeSpec,
  { agents, clusterId }: FoundCluster,
  agent: FoundAgent,
  { image, version }: UpgradeTarget,
  probe: WriteProbe,
): Promise<void> {
  const isHere = ({ datacenter }: FoundAgent) => datacenter === agent.datacenter;
  const [there, elsewhere] = [agents.filter(isHere), agents.filter((each) => !isHere(each))];
  await probe.without(agent, () => replace(docker, agent, image, version));
  const gates = [...upgradedGates(agent, version, probe), ...overWan(there, elsewhere)];
  const summary = `${agent.node} did not come back as Consul ${version}`;
  await whileAllRun(docker, clusterId, agents, (signal) =>
    untilHold(gates, () => there, waitFor(spec, summary, signal)),
  );
  timed(`${agent.node} runs ${version}`);
}

function firstOf(agents: readonly FoundAgent[]): FoundAgent {
  const [first] = agents;
  if (!first) throw new Error("a found cluster has an agent");
  return first;
}

interface UpgradeTarget {
  /** A reference; the engine has it. */
  readonly image: string;
  readonly version: string;
}

/** @returns what to upgrade to; nothing speaks against it */
async function chosen(
  docker: Docker,
  spec: UpgradeSpec,
  cluster: FoundCluster,
  signal: AbortSignal,
): Promise<UpgradeTarget> {
  const wanted = upgradeImages(spec, firstOf(cluster.agents).facts.Config.Image);
  const { reference } = await findImage(docker, wanted, timed, signal);
  const version = await versionOf(docker, reference, cluster.clusterId, spec.timeout);
  for (const agent of partsOf(cluster).map(firstOf)) {
    const members = await told(agent, "members", (consul) => consul.members());
    refuseDowngrade(
      members.map((member) => member.version),
      version,
      spec.force,
    );
    await refuseLegacyTokens(agent, version);
  }
  return { image: reference, version };
}

/** An answer that the upgrade can't go on without. */
async function told<T>(
  { node, consul }: FoundAgent,
  question: string,
  answer: (consul: Consul) => Promise<T>,
): Promise<T> {
  try {
    return await answer(consul);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    const message = `${node}, asked for ${question}, answered: ${error.message}`;
    throw new ActionError("Consul refused", message, { cause: error });
  }
}

function waitFor({ timeout }: UpgradeSpec, summary: string, signal: AbortSignal) {
  const failure = { title: "The upgrade stopped", summary };
  return { timeout, onChange: timed, signal, failure };
}

/**
 * The order of Consul's upgrade guide: followers, so that there is only one change of leader, then
 * the leader, then clients, since a server must not be older than its clients.
 */
export function inOrder(agents: readonly FoundAgent[], { leader }: Raft): FoundAgent[] {
  const rank = ({ node, role }: FoundAgent) => (role === "client" ? 2 : node === leader ? 1 : 0);
  return agents.toSorted((a, b) => rank(a) - rank(b));
}

function refuseUnlessWhole(agents: readonly FoundAgent[]): void {
  const away = agents.filter((agent) => !isUp(agent));
  if (away.length > 0) {
    const states = away.map(({ node, state }) => `${node} is ${state}`).join(", ");
    const message = `An upgrade needs every node at work, but ${states}. Bring them back first, with the action fault: start, resume or heal.`;
    throw new ActionError("The cluster is not whole", message);
  }
  const forgetful = agents.find(({ facts }) => facts.Config.Cmd?.includes("-dev"));
  if (!forgetful) return;
  const message = `${forgetful.node} keeps its data in memory (\`-dev\`), so nothing of it would be left after the upgrade. Start the cluster with its data on disk.`;
  throw new ActionError("No data to upgrade on", message);
}

/** Consul's data has no way back: a newer version may have written what an older one can't read. */
export function refuseDowngrade(current: readonly string[], wanted: string, force: boolean): void {
  const newer = current.find((version) => isOlder(wanted, version));
  if (newer === undefined || force) return;
  const message = `The cluster runs Consul ${newer}, and ${wanted} is older. Consul does not support downgrades: the servers' data may hold what an older version can't read. To try nevertheless, set \`force: true\`.`;
  throw new InputError([{ input: "version", message }]);
}

/** Agents of a cluster that was started with Consul 1.4 have tokens of that kind themselves. */
async function refuseLegacyTokens(first: FoundAgent, wanted: string): Promise<void> {
  if (takesLegacyTokens(wanted)) return;
  const tokens = await told(first, "ACL tokens", (consul) =>
    consul.aclObjects("token").catch((error: unknown) => {
      // This is how Consul says that it has no ACLs.
      if (error instanceof ConsulError && error.status === 401) return [];
      throw error;
    }),
  );
  const names = tokens.filter(({ Legacy }) => Legacy === true).map((token) => token.Description);
  if (names.length === 0) return;
  const message = `The cluster has ACL tokens of the legacy kind (${names.join(", ")}), which Consul takes no more from 1.11 on: whoever has one would be shut out by ${wanted}. Replace them by tokens with policies first, or start the cluster with Consul 1.5 or later, whose agents have none of that kind.`;
  throw new InputError([{ input: "version", message }]);
}

/**
 * Saves a snapshot of an agent's datacenter.
 *
 * @param key - is written before: raft takes no snapshot as long as its last entry is a change of
 *   its own configuration
 * @returns the file, which only this user may read: it holds all of the cluster's secrets
 */
async function saveSnapshot(agent: FoundAgent, clusterId: string, key: string, timeout: number) {
  await told(agent, "a write", (consul) => consul.setKey({ key, value: Buffer.from("0") }));
  const name = `consul-${clusterId}-${agent.datacenter}-${Date.now()}.snap`;
  const file = join(process.env.RUNNER_TEMP ?? tmpdir(), name);
  const snapshot = await told(agent, "a snapshot", (consul) => consul.snapshot(timeout));
  await writeFile(file, snapshot, { mode: 0o600 });
  timed(`Snapshot: ${file}`);
  return file;
}

/** A server that is told to end does not leave: it stays in raft, so that it can come back. */
async function replace(
  docker: Docker,
  { node, container, facts }: FoundAgent,
  image: string,
  version: string,
) {
  try {
    const defaults = await docker.imageDefaults(facts.Config.Image);
    // The secrets of a secured agent are in no volume.
    const secrets = await docker.getArchive(container, securityFolder);
    const rewritten = secrets && securityArchiveFor(secrets, version);
    await docker.change("stop", [container]);
    await docker.removeButKeepVolumes(container);
    await docker.createContainer(replacementArguments(facts, defaults, image));
    if (rewritten) await docker.putArchive(container, rewritten, dirname(securityFolder));
    await docker.startContainer(container);
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    throw new ActionError(`${node} could not be replaced`, `${node}: ${error.message}`, {
      cause: error,
    });
  }
}

/** What must hold before the next node's turn. */
function upgradedGates(agent: FoundAgent, version: string, probe: WriteProbe): Gate[] {
  const runsVersion: Gate = {
    name: `${agent.node} is a member of version ${version}, as each server sees it`,
    look: async (agents) => {
      const answers = await ask(servers(agents), async (consul) =>
        (await consul.members())
          .filter((member) => isSameVersion(member.version, version))
          .map(({ node }) => node),
      );
      return everyoneNames([agent], answers, `of version ${version}`);
    },
  };
  return [
    ...readyGates,
    raftIsSettled([]),
    runsVersion,
    autopilotIsHealthy,
    noWriteLost(probe),
    servicesAreBack(agent),
  ];
}

const autopilotIsHealthy: Gate = {
  name: "autopilot finds every server healthy",
  look: async (agents) => {
    const answers = await ask(servers(agents).slice(0, 1), (consul) => consul.autopilotIsHealthy());
    const failing = answers.flatMap(({ node, answer }) =>
      answer === true
        ? []
        : [`${node}: ${answer instanceof ConsulError ? answer.message : answer}`],
    );
    return { picture: `autopilot ${failing.length === 0 ? "" : "un"}healthy`, failing };
  },
};

const noWriteLost = (probe: WriteProbe): Gate => ({
  name: "the last acknowledged write is read through every agent",
  look: async (agents) => {
    const wanted = probe.acknowledged;
    const answers = await ask(agents, (consul) => consul.getKey(probe.key));
    const failing = answers.flatMap(({ node, answer }) => {
      if (answer instanceof ConsulError) return [`${node}: ${answer.message}`];
      return Number(answer) >= wanted ? [] : [`${node}: reads ${answer}, not ${wanted}`];
    });
    return { picture: failing.length === 0 ? "no write lost" : "writes missing", failing };
  },
});

// A client agent takes its services out of the catalog when it ends, and gives them back up to 3 s
// after its return: the next one's turn must not come between.
const servicesAreBack = (agent: FoundAgent): Gate => ({
  name: `every service of ${agent.node} is in the catalog`,
  look: async () => {
    const answers = await ask([agent], (consul) => consul.unsyncedServices(agent.node));
    const failing = answers.flatMap(({ node, answer }) => {
      if (answer instanceof ConsulError) return [`${node}: ${answer.message}`];
      return answer.map((id) => `${node}: has ${id}, which the catalog has not`);
    });
    return { picture: failing.length === 0 ? "services there" : "services missing", failing };
  },
});
