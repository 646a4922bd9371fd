import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as core from "@actions/core";
import { Docker } from "../docker/docker.ts";
import { findImage } from "../docker/find-image.ts";
import {
  type FoundAgent,
  type FoundCluster,
  findCluster,
  lookAgain,
} from "../find/existing-cluster.ts";
import { type Raft, raftOf } from "../find/raft.ts";
import { whileAllRun } from "../find/while-all-run.ts";
import { byDatacenter } from "../ready/agents.ts";
import { overWan, readyGates } from "../ready/gates.ts";
import { untilHold } from "../ready/wait.ts";
import { evidenceFolder, showEvidence } from "../report/evidence.ts";
import { foundNode } from "../report/nodes.ts";
import { cancellation } from "../runner/cancellation.ts";
import { fail, logTimed } from "../runner/log.ts";
import { upgradedGates } from "./gates.ts";
import { versionOf } from "./image-version.ts";
import { askOrFail, refuseDowngrade, refuseLegacyTokens, refuseUnlessWhole } from "./refusals.ts";
import { replace } from "./replacement.ts";
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
    const target = await resolveTargetImage(docker, spec, cluster, canceled);
    begun = cluster.clusterId;
    await core.group("Upgrade", () => upgradeAll(docker, spec, cluster, target, canceled));
    const after = await lookAgain(docker, cluster);
    const [there = []] = agentsByDatacenter(after);
    const { leader } = await raftOf(there, after.addresses);
    output("version", target.version);
    output("leader", leader);
    output("nodes", JSON.stringify(after.agents.map(foundNode)));
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
  const parts = agentsByDatacenter(cluster);
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
      for (const agent of inOrder(there, await raftOf(there, cluster.addresses)))
        await upgradeOne(docker, spec, cluster, agent, target, probe);
    } finally {
      downtime = Math.max(downtime, await probe.stop());
      output("downtime-ms", String(downtime));
    }
    await askOrFail(firstOf(there), "removal of a key", (consul) => consul.deleteKey(key));
  }
}

/** The agents of each datacenter. */
const agentsByDatacenter = ({ agents }: FoundCluster) => [...byDatacenter(agents).values()];

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
  logTimed(`${agent.node} runs ${version}`);
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
async function resolveTargetImage(
  docker: Docker,
  spec: UpgradeSpec,
  cluster: FoundCluster,
  signal: AbortSignal,
): Promise<UpgradeTarget> {
  const wanted = upgradeImages(spec, firstOf(cluster.agents).facts.Config.Image);
  const { reference } = await findImage(docker, wanted, logTimed, signal);
  const version = await versionOf(docker, reference, cluster.clusterId, spec.timeout);
  for (const agent of agentsByDatacenter(cluster).map(firstOf)) {
    const members = await askOrFail(agent, "members", (consul) => consul.members());
    refuseDowngrade(
      members.map((member) => member.version),
      version,
      spec.force,
    );
    await refuseLegacyTokens(agent, version);
  }
  return { image: reference, version };
}

function waitFor({ timeout }: UpgradeSpec, summary: string, signal: AbortSignal) {
  const failure = { title: "The upgrade stopped", summary };
  return { timeout, onChange: logTimed, signal, failure };
}

/**
 * The order of Consul's upgrade guide: followers, so that there is only one change of leader, then
 * the leader, then clients, since a server must not be older than its clients.
 */
export function inOrder(agents: readonly FoundAgent[], { leader }: Raft): FoundAgent[] {
  const rank = ({ node, role }: FoundAgent) => (role === "client" ? 2 : node === leader ? 1 : 0);
  return agents.toSorted((a, b) => rank(a) - rank(b));
}

/**
 * Saves a snapshot of an agent's datacenter.
 *
 * @param key - is written before: raft takes no snapshot as long as its last entry is a change of
 *   its own configuration
 * @returns the file, which only this user may read: it holds all of the cluster's secrets
 */
async function saveSnapshot(agent: FoundAgent, clusterId: string, key: string, timeout: number) {
  await askOrFail(agent, "a write", (consul) => consul.setKey({ key, value: Buffer.from("0") }));
  const name = `consul-${clusterId}-${agent.datacenter}-${Date.now()}.snap`;
  const file = join(process.env.RUNNER_TEMP ?? tmpdir(), name);
  const snapshot = await askOrFail(agent, "a snapshot", (consul) => consul.snapshot(timeout));
  await writeFile(file, snapshot, { mode: 0o600 });
  logTimed(`Snapshot: ${file}`);
  return file;
}
