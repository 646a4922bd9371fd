import * as core from "@actions/core";
import type { Docker } from "../docker/docker.ts";
import { Engine } from "../docker/engine.ts";
import { ActionError } from "../errors.ts";
import { dockerOf } from "../find/across-engines.ts";
import { betweenDatacenters } from "../find/between-datacenters.ts";
import {
  type FoundAgent,
  type FoundCluster,
  findCluster,
  lookAgain,
} from "../find/existing-cluster.ts";
import { type Raft, raftOf } from "../find/raft.ts";
import { whileAllRun } from "../find/while-all-run.ts";
import { processMark } from "../plan/labels.ts";
import { byDatacenter } from "../ready/agents.ts";
import { readyGates } from "../ready/gates.ts";
import { untilHold } from "../ready/wait.ts";
import { evidenceFolder, nothingSeen, showEvidence } from "../report/evidence.ts";
import { writeSummary } from "../report/job-summary.ts";
import { foundNode } from "../report/nodes.ts";
import { stepsFolder } from "../report/runner-folder.ts";
import { cancellation } from "../runner/cancellation.ts";
import { writeCommandFile } from "../runner/command-files.ts";
import { fail, logTimed } from "../runner/log.ts";
import { withScope } from "../runner/scope.ts";
import { recordStep } from "../runner/step-records.ts";
import { updateAgentPolicies } from "./agent-policies.ts";
import { upgradedGates } from "./gates.ts";
import { handOver } from "./hand-over.ts";
import { UpgradeHistory, upgradeSummary } from "./history.ts";
import { checkPath } from "./path-check.ts";
import { askOrFail, refuseUnlessWhole } from "./refusals.ts";
import { planReplacement, type Replacement, replace } from "./replacement.ts";
import { saveSnapshot } from "./snapshot.ts";
import {
  firstOf,
  isDue,
  type Stop,
  stopsOf,
  type UpgradeStep,
  type UpgradeTarget,
} from "./step.ts";
import { asAt, resolveTargets } from "./target-image.ts";
import { parseUpgradeInputs } from "./upgrade-inputs.ts";
import { WriteProbe } from "./write-probe.ts";

/** The outputs, in the order of upgrade/action.yml. */
export const upgradeOutputNames = [
  "version",
  "leader",
  "nodes",
  "snapshot",
  "downtime-ms",
] as const;

/** The action `upgrade`: replaces every agent with one of another version, one at a time. */
export async function upgrade(): Promise<void> {
  const signal = cancellation("upgrade");
  const engine = new Engine(signal, core.debug);
  let docker: Docker = engine;
  const history = new UpgradeHistory();
  let changing: Changing | undefined;
  try {
    const spec = parseUpgradeInputs(core.getInput);
    const cluster = await findCluster(engine, spec.cluster, process.env);
    docker = dockerOf(engine, cluster);
    const { clusterId } = cluster;
    recordStep(stepsFolder(clusterId, process.env), "The `upgrade` step");
    const marked = dockerOf(new Engine(signal, core.debug, processMark(clusterId)), cluster);
    const step: UpgradeStep = { docker: marked, spec, cluster, history, signal };
    refuseUnlessWhole(cluster.agents);
    const targets = await resolveTargets(step);
    const isDowngrade = await checkPath(step, targets);

    const versions = targets.map(({ version }) => version);
    changing = { clusterId, versions };
    const key = `consul-cluster-action/upgrade-${clusterId}`;
    await core.group("Before the upgrade", async () => {
      await history.during(before("check that all is well"), () => checkReady(step));
      await history.during(before("snapshot"), () => saveSnapshots(step, key));
    });
    await takeStops(step, stopsOf(targets), { key, isDowngrade });
    await reportUpgrade(step, targets);
    await writeSummary(upgradeSummary(history.all(), versions));
  } catch (error) {
    const failure = { error: signal.aborted ? signal.reason : error, isCanceled: signal.aborted };
    fail(failure.error);
    if (changing) await reportFailure(docker, history, changing, failure);
  }
}

/** An upgrade that has begun to change the cluster. */
interface Changing {
  readonly clusterId: string;
  /** In the order in which it goes through them. */
  readonly versions: readonly string[];
}

const before = (label: string) => ({ section: "before", label, version: "" });

/** Shows the evidence, unless the step was canceled, and adds the job summary. */
async function reportFailure(
  docker: Docker,
  history: UpgradeHistory,
  { clusterId, versions }: Changing,
  { error, isCanceled }: { readonly error: unknown; readonly isCanceled: boolean },
): Promise<void> {
  // What comes next takes time, and is not the upgrade's.
  const past = history.all();
  const folder = evidenceFolder(clusterId, process.env);
  const seen = isCanceled ? nothingSeen : await showEvidence(docker, clusterId, folder);
  await writeSummary(upgradeSummary(past, versions, { error, seen }));
}

const output = (name: (typeof upgradeOutputNames)[number], value: string) =>
  writeCommandFile(() => core.setOutput(name, value));

/** The agents of each datacenter, the primary first. */
const agentsByDatacenter = (agents: readonly FoundAgent[]) => [...byDatacenter(agents).values()];

async function checkReady({ spec, cluster, signal }: UpgradeStep): Promise<void> {
  const wait = waitFor(spec.timeout, "The cluster was not ready to upgrade");
  for (const there of agentsByDatacenter(cluster.agents))
    await untilHold(readyGates, () => there, { ...wait, signal });
  await untilHold(betweenDatacenters(cluster.agents), () => cluster.agents, { ...wait, signal });
}

async function saveSnapshots(step: UpgradeStep, key: string): Promise<void> {
  const files: string[] = [];
  for (const there of agentsByDatacenter(step.cluster.agents))
    files.push(await saveSnapshot(step, firstOf(there), key));
  output("snapshot", files.length === 1 ? files.join() : JSON.stringify(files));
}

/** How every stop is taken. */
interface Course {
  /** A key that is written through the cluster again and again, and deleted in the end. */
  readonly key: string;
  /** Whether this is a forced downgrade. */
  readonly isDowngrade: boolean;
}

/** Makes one rolling upgrade after another. */
async function takeStops(step: UpgradeStep, stops: readonly Stop[], course: Course): Promise<void> {
  for (const { target, name } of stops) {
    const work = async () => {
      await updateAgentPolicies(step, target);
      await upgradeAll(step, target, course);
    };
    await core.group(name === "" ? "Upgrade" : `Upgrade to ${name}`, () => atStop(name, work));
  }
}

/** @throws ActionError that says at which stop, if there are several */
async function atStop(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ActionError) || name === "") throw error;
    const { title, explanation, quotes } = error;
    const message = `The upgrade to ${name} failed. ${explanation}`;
    throw new ActionError(title, message, { cause: error, quotes });
  }
}

/** Upgrades one datacenter after another, the primary first, as Consul's upgrade guide says. */
async function upgradeAll(
  step: UpgradeStep,
  target: UpgradeTarget,
  { key, isDowngrade }: Course,
): Promise<void> {
  const { agents, addresses } = step.cluster;
  for (const there of agentsByDatacenter(agents)) {
    const [due, done] = await dueAt(step, target, there, isDowngrade);
    for (const { node, version } of done) logTimed(`${node} runs ${version} already`);
    const probe = new WriteProbe(key, there);
    try {
      const raft = await raftOf(there, addresses);
      await withScope(step.signal, async ({ start }) => {
        const plan = (agent: FoundAgent) => start(planReplacement(step.docker, agent, target));
        for await (const [agent, replacement] of planningAhead(inOrder(due, raft), plan))
          await step.history.during(replacing(agent, target, raft, step.cluster), () =>
            upgradeOne({ ...step, probe }, target, agent, replacement),
          );
      });
    } finally {
      output("downtime-ms", String(step.history.recordWrite(await probe.stop())));
    }
    await askOrFail(step, firstOf(there), "removal of a key", (consul) => consul.kv.delete(key));
  }
}

/** Each item with its plan, which is made while the one before it has its turn. */
async function* planningAhead<T extends object, P>(
  items: readonly T[],
  plan: (item: T) => Promise<P>,
): AsyncGenerator<readonly [T, P]> {
  const [first, ...others] = items;
  if (first === undefined) return;
  let turn = { item: first, planned: plan(first) };
  for (const item of others) {
    const ready = [turn.item, await turn.planned] as const;
    turn = { item, planned: plan(item) };
    yield ready;
  }
  yield [turn.item, await turn.planned];
}

/** What the history calls the replacement of an agent. */
function replacing(
  { node, datacenter }: FoundAgent,
  { version }: UpgradeTarget,
  { leader }: Raft,
  cluster: FoundCluster,
) {
  const isSeveral = byDatacenter(cluster.agents).size > 1;
  return {
    section: isSeveral ? `${datacenter} to ${version}` : `to ${version}`,
    label: node === leader ? `${node} (leader)` : node,
    version,
  };
}

/** The agents of a datacenter that a stop replaces, and the others with the versions they run. */
async function dueAt(
  step: UpgradeStep,
  target: UpgradeTarget,
  there: readonly FoundAgent[],
  isDowngrade: boolean,
): Promise<[due: FoundAgent[], done: { node: string; version: string }[]]> {
  const members = await askOrFail(step, firstOf(there), "members", (consul) => consul.members());
  const due: FoundAgent[] = [];
  const done: { node: string; version: string }[] = [];
  for (const agent of there) {
    const { node, facts } = agent;
    const version = members.find((member) => member.node === node)?.version ?? "";
    const own = await asAt(step.docker, target, agent);
    if (isDue({ version, image: facts.Image }, own, isDowngrade)) due.push(agent);
    else done.push({ node, version });
  }
  return [due, done];
}

/**
 * The order of Consul's upgrade guide: followers, then the leader, so that it changes only once,
 * then clients, because a server must not be older than its clients.
 */
export function inOrder(agents: readonly FoundAgent[], { leader }: Raft): FoundAgent[] {
  const rank = ({ node, role }: FoundAgent) => (role === "client" ? 2 : node === leader ? 1 : 0);
  return agents.toSorted((a, b) => rank(a) - rank(b));
}

/** A step whose writes to a datacenter are watched. */
interface ProbedStep extends UpgradeStep {
  readonly probe: WriteProbe;
}

/** Replaces one agent, and waits until the new one has taken its place. */
async function upgradeOne(
  { docker, spec, cluster: { agents, clusterId }, signal: canceled, probe }: ProbedStep,
  target: UpgradeTarget,
  agent: FoundAgent,
  replacement: Replacement,
): Promise<void> {
  const { node, datacenter } = agent;
  const { version } = target;
  const there = agents.filter((each) => each.datacenter === datacenter);
  const others = there.filter((each) => each.node !== node);
  const around = { others, signal: canceled };
  await handOver(agent, others);
  await probe.without(agent, () => replace(docker, agent, replacement, around));
  const gates = [...upgradedGates(agent, version, probe), ...betweenDatacenters(agents)];
  const wait = waitFor(spec.timeout, `${node} did not come back as Consul ${version}`);
  await whileAllRun({ docker, clusterId, agents, signal: canceled }, (signal) =>
    untilHold(gates, () => there, { ...wait, signal }),
  );
  logTimed(`${node} runs ${version}`);
}

/** @param summary - begins the message if time runs out */
function waitFor(timeout: number, summary: string) {
  return { timeout, onChange: logTimed, failure: { title: "The upgrade stopped", summary } };
}

async function reportUpgrade(step: UpgradeStep, targets: readonly UpgradeTarget[]): Promise<void> {
  const { agents, addresses } = await lookAgain(step.docker, step.cluster);
  const [there = []] = agentsByDatacenter(agents);
  const { leader } = await raftOf(there, addresses);
  output("version", targets.at(-1)?.version ?? "");
  output("leader", leader);
  output("nodes", JSON.stringify(agents.map(foundNode)));
}
