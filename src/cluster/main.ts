import { randomBytes } from "node:crypto";
import * as core from "@actions/core";
import { apply, type RunningCluster } from "../apply/apply.ts";
import { placeContainers, withEngines } from "../apply/engines.ts";
import { prepare } from "../apply/prepare.ts";
import { restore } from "../apply/restore.ts";
import type { StartContext } from "../apply/start-context.ts";
import { isEngineGone } from "../docker/docker-error.ts";
import { Engine } from "../docker/engine.ts";
import { counted, InputError } from "../errors.ts";
import type { ClusterSpec } from "../inputs/cluster-spec.ts";
import { parseInputs } from "../inputs/inputs.ts";
import { processMark } from "../plan/labels.ts";
import { imageOf, planCluster } from "../plan/plan.ts";
import { credentialsFrom } from "../plan/security-files.ts";
import { clientFor } from "../ready/agents.ts";
import { evidenceFolder, nothingSeen, showEvidence } from "../report/evidence.ts";
import { startFailureText } from "../report/failure.ts";
import { writeSummary } from "../report/job-summary.ts";
import { describeCluster, type ReadyCluster } from "../report/ready-cluster.ts";
import { reportCluster } from "../report/report.ts";
import {
  runnerFolder,
  stepsFolder,
  writeCa,
  writeCli,
  writeClientCertificate,
} from "../report/runner-folder.ts";
import { cancellation } from "../runner/cancellation.ts";
import { checkCommandFiles, writeCommandFile } from "../runner/command-files.ts";
import { fail, logTimed, warn } from "../runner/log.ts";
import { type Scope, withScope } from "../runner/scope.ts";
import { recordStep } from "../runner/step-records.ts";
import { Timeline } from "../runner/timeline.ts";
import { workspaceReader } from "../runner/workspace-file.ts";
import type { SeededToken } from "../seed/acl.ts";
import { hasSeeds, seed } from "../seed/seed.ts";
import { saveState } from "./state.ts";

/** The main step: inputs become a spec, the spec a plan, the plan a cluster that is ready. */
export async function main(): Promise<void> {
  let context = startContext();
  const { clusterId, signal, timeline } = context;
  const spec = readSpec(clusterId);
  if (!spec) return;
  const logs = logsFolder(spec, clusterId);
  try {
    context = await withEngines(context, spec);
    const cluster = await create(context, spec);
    await reportCluster(cluster, logs, timeline);
  } catch (error) {
    fail(signal.aborted ? signal.reason : error);
    if (signal.aborted) return;
    const hasNothingToShow = error instanceof InputError || isEngineGone(error);
    const { docker } = context;
    const seen = hasNothingToShow ? nothingSeen : await showEvidence(docker, clusterId, logs);
    await writeSummary(startFailureText(error, seen));
  }
}

function startContext(): StartContext {
  const timeline = new Timeline();
  timeline.end("process");
  const clusterId = randomBytes(4).toString("hex");
  const signal = cancellation("cluster");
  const docker = new Engine(signal, core.debug, processMark(clusterId));
  const { env } = process;
  const tell = { log: logTimed, warn, onSecret: core.setSecret };
  return { clusterId, docker, env, ...tell, timeline, signal };
}

/**
 * Reads the inputs, and saves the state for the post step before there is anything to remove.
 *
 * @returns undefined if this failed; the failure is reported, and nothing was created
 */
function readSpec(clusterId: string): ClusterSpec | undefined {
  try {
    const { spec, warnings } = parseInputs(
      core.getInput,
      workspaceReader(process.env.GITHUB_WORKSPACE ?? ""),
      core.setSecret,
    );
    for (const warning of warnings) warn(warning);
    checkCommandFiles(process.env);
    const logs = logsFolder(spec, clusterId);
    const { cleanup, engines } = spec;
    saveState({ clusterId, cleanup, engines, logs, logsAlways: spec.logs === "always" });
    recordStep(stepsFolder(clusterId, process.env), "The step that starts the cluster");
    // Set this early: it matters most when the rest of the step fails.
    writeCommandFile(() => core.setOutput("logs", logs));
    return spec;
  } catch (error) {
    fail(error);
    return undefined;
  }
}

/** Empty if the job wants no logs. */
const logsFolder = ({ logs }: ClusterSpec, clusterId: string) =>
  logs === "never" ? "" : evidenceFolder(clusterId, process.env);

const create = (context: StartContext, spec: ClusterSpec): Promise<ReadyCluster> =>
  withScope(context.signal, (scope) => createIn(scope, context, spec));

async function createIn(
  scope: Scope,
  context: StartContext,
  spec: ClusterSpec,
): Promise<ReadyCluster> {
  const { prerequisites, keys } = await core.group("Prepare image and network", () =>
    prepare(context, spec, scope),
  );
  const plan = planCluster(spec, prerequisites);
  placeContainers(context.docker, plan);
  const images = plan.agents.map((agent) => imageOf(plan, agent).image.reference);
  const title = `Start ${counted(plan.agents.length, "agent")} from ${[...new Set(images)].join(" and ")}`;
  const running = await core.group(title, () => apply(context, plan, keys));
  if (spec.snapshot)
    await core.group("Restore the snapshot", () => restore(context, spec, running));
  const tokens = hasSeeds(spec.seeds)
    ? await core.group("Apply the cluster file", () => seedCluster(context, spec, running))
    : [];

  const { agents, secrets, hostAddress } = running;
  const folder = runnerFolder(context.clusterId, context.env);
  const caFile = secrets?.ca ? await writeCa(folder, secrets.ca.certificate) : "";
  const clientFiles = secrets?.client && (await writeClientCertificate(folder, secrets.client));
  if (spec.cli) {
    const path = await writeCli(folder, plan);
    writeCommandFile(() => core.addPath(path));
  }
  const credentials = credentialsFrom(secrets);
  const { timeout } = spec;
  const known = { plan, agents, credentials, caFile, tokens, hostAddress };
  const started = { ...known, ...(clientFiles && { clientFiles }) };
  return context.timeline.during("report", () => describeCluster(started, { ...context, timeout }));
}

function seedCluster(
  { timeline, ...context }: StartContext,
  { seeds, timeout }: ClusterSpec,
  { agents, secrets }: RunningCluster,
): Promise<SeededToken[]> {
  const credentials = credentialsFrom(secrets);
  const clients = agents.map((agent) => clientFor(agent, credentials));
  return timeline.during("seeds", () => seed(seeds, clients, { ...context, timeout }));
}
