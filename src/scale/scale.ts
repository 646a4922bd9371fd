import * as core from "@actions/core";
import { Engine } from "../docker/engine.ts";
import { dockerOf } from "../find/across-engines.ts";
import { peeringsGates } from "../find/between-datacenters.ts";
import { findCluster } from "../find/existing-cluster.ts";
import { raftOf } from "../find/raft.ts";
import { processMark } from "../plan/labels.ts";
import { byDatacenter } from "../ready/agents.ts";
import { gatesFor } from "../ready/gates.ts";
import { untilHold } from "../ready/wait.ts";
import { evidenceFolder, showEvidence } from "../report/evidence.ts";
import { stepsFolder } from "../report/runner-folder.ts";
import { cancellation } from "../runner/cancellation.ts";
import { fail, logTimed, warn } from "../runner/log.ts";
import { recordStep } from "../runner/step-records.ts";
import { addNode, untilDescribed } from "./add.ts";
import { type Change, changesTo } from "./changes.ts";
import { endEarly, sizeText } from "./interruption.ts";
import { planNewNodes } from "./new-nodes.ts";
import {
  datacenterFor,
  refuseMemory,
  refuseTooMany,
  refuseUnlessWhole,
  scaleWarnings,
} from "./refusals.ts";
import { removeNode } from "./remove-node.ts";
import { reportScale } from "./report-scale.ts";
import { parseScaleInputs } from "./scale-inputs.ts";
import { agentsThere, firstOf, type ScaleStep } from "./step.ts";

/** The action `scale`: brings a datacenter to a number of servers and clients, a node at a time. */
export async function scale(): Promise<void> {
  const canceled = cancellation("scale");
  let step: ScaleStep | undefined;
  try {
    step = await findStep(canceled);
    const changes = await changesOf(step);
    if (changes.length > 0) await carryOut(step, changes);
    logTimed(sizeText(step.datacenter, agentsThere(step)));
    await reportScale(step);
  } catch (error) {
    const reason = canceled.aborted ? canceled.reason : error;
    fail(step?.hasBegun ? await explainEnd(step, reason) : reason);
  }
}

async function findStep(signal: AbortSignal): Promise<ScaleStep> {
  const spec = parseScaleInputs(core.getInput);
  const cluster = await findCluster(new Engine(signal, core.debug), spec.cluster, process.env);
  const { clusterId } = cluster;
  recordStep(stepsFolder(clusterId, process.env), "The `scale` step");
  const mark = processMark(clusterId);
  const lasting = new AbortController().signal;
  const docker = dockerOf(new Engine(signal, core.debug, mark), cluster);
  const cleanup = dockerOf(new Engine(lasting, core.debug, mark), cluster);
  const datacenter = datacenterFor(cluster.agents, spec.datacenter);
  const progress = { hasBegun: false, unfinished: undefined, done: [] };
  return { docker, cleanup, spec, datacenter, signal, cluster, ...progress };
}

/**
 * What is to be done, before anything is changed.
 *
 * @returns none if the datacenter has the wanted size
 * @throws InputError or ActionError if it can't be done
 */
async function changesOf(step: ScaleStep): Promise<Change[]> {
  const { spec, cluster, datacenter } = step;
  const nodes = agentsThere(step);
  const { leader } = await raftOf(nodes, cluster.addresses);
  const isOneOfSeveral = byDatacenter(cluster.agents).size > 1;
  const { federation } = firstOf(nodes);
  const current = { name: datacenter, federation, isOneOfSeveral, nodes, leader };
  const changes = changesTo(spec, current);
  if (changes.length === 0) return [];
  const engines = cluster.engines?.members.map(({ name }) => name) ?? [];
  refuseTooMany(spec, engines.length);
  refuseMemory(nodes, spec);
  refuseUnlessWhole(cluster.agents);
  for (const warning of scaleWarnings(cluster.agents, datacenter, spec, engines)) warn(warning);
  return changes;
}

/** @throws ActionError if a node doesn't come or go in time */
async function carryOut(step: ScaleStep, changes: readonly Change[]): Promise<void> {
  const shapes = changes.flatMap((change) => (change.kind === "add" ? [change.shape] : []));
  const added = await core.group("Before the first change", async () => {
    await untilReady(step);
    return shapes.length > 0 ? planNewNodes(step, shapes) : undefined;
  });
  step.hasBegun = true;
  for (const change of changes) {
    if (change.kind === "remove") {
      await core.group(`Remove ${change.node}`, () => removeNode(step, change.node));
      continue;
    }
    const { node } = change.shape;
    const agent = added?.plan.agents.find((each) => each.node === node);
    if (added && agent) await core.group(`Add ${node}`, () => addNode(step, agent, added));
  }
  await untilDescribed(step);
}

/** A cluster that is not ready could lose its quorum on the way. */
async function untilReady({ spec, cluster, signal }: ScaleStep): Promise<void> {
  const { agents } = cluster;
  const summary = "The cluster was not ready to be scaled";
  const failure = { title: "The cluster is not ready", summary };
  await untilHold([...gatesFor(agents, false), ...peeringsGates(agents)], () => agents, {
    ...{ timeout: spec.timeout, onChange: logTimed, signal, failure },
  });
}

/** The logs are of what went wrong, so they come before what went wrong is taken away. */
async function explainEnd(step: ScaleStep, reason: unknown): Promise<unknown> {
  const { clusterId } = step.cluster;
  if (!step.signal.aborted)
    await showEvidence(step.cleanup, clusterId, evidenceFolder(clusterId, process.env));
  return endEarly(step, reason);
}
