import { randomBytes } from "node:crypto";
import * as core from "@actions/core";
import { apply } from "../apply/apply.ts";
import { prepare } from "../apply/prepare.ts";
import { makeSecrets } from "../apply/secrets.ts";
import { processMark } from "../destroy/orphans.ts";
import { Docker } from "../docker/docker.ts";
import { isEngineGone } from "../docker/docker-error.ts";
import { InputError } from "../errors.ts";
import type { ClusterSpec } from "../inputs/cluster-spec.ts";
import { parseInputs } from "../inputs/inputs.ts";
import { isSecured } from "../plan/agent-config.ts";
import { type ClusterPlan, planCluster } from "../plan/plan.ts";
import { credentialsFrom, type Secrets, secretValues } from "../plan/security-files.ts";
import { clientFor } from "../ready/agents.ts";
import { evidenceFolder, showEvidence } from "../report/evidence.ts";
import { describeCluster, type ReadyCluster } from "../report/ready-cluster.ts";
import { reportCluster } from "../report/report.ts";
import { runnerFolder, writeCa, writeCli } from "../report/runner-folder.ts";
import { cancellation } from "../runner/cancellation.ts";
import { checkCommandFiles, writeCommandFile } from "../runner/command-files.ts";
import { fail, logTimed } from "../runner/log.ts";
import { Timeline } from "../runner/timeline.ts";
import { workspaceReader } from "../runner/workspace-file.ts";
import { hasSeeds, seed } from "../seed/seed.ts";
import { saveState } from "./state.ts";

/** The main step: inputs become a spec, the spec a plan, the plan a cluster that is ready. */
export async function main(): Promise<void> {
  const timeline = new Timeline();
  timeline.end("process");
  const canceled = cancellation();
  const clusterId = randomBytes(4).toString("hex");
  const docker = new Docker(canceled, core.debug, processMark(clusterId));
  const folder = evidenceFolder(clusterId, process.env);
  let logs = "";
  try {
    const { spec, warnings } = parseInputs(
      core.getInput,
      workspaceReader(process.env.GITHUB_WORKSPACE ?? ""),
      core.setSecret,
    );
    for (const warning of warnings) core.warning(warning);
    checkCommandFiles(process.env);
    const wanted = spec.logs === "never" ? "" : folder;
    const logsAlways = spec.logs === "always";
    saveState({ clusterId, cleanup: spec.cleanup, logs: wanted, logsAlways });
    // Said at once: it is wanted most where the rest of this step fails.
    writeCommandFile(() => core.setOutput("logs", wanted));
    logs = wanted;
    await reportCluster(await create(docker, spec, clusterId, timeline, canceled), logs, timeline);
  } catch (error) {
    fail(canceled.aborted ? canceled.reason : error);
    if (canceled.aborted || error instanceof InputError || isEngineGone(error) || !logs) return;
    await showEvidence(docker, clusterId, logs);
  }
}

async function create(
  docker: Docker,
  spec: ClusterSpec,
  clusterId: string,
  timeline: Timeline,
  canceled: AbortSignal,
): Promise<ReadyCluster> {
  const prerequisites = await core.group("Prepare image and network", () =>
    prepare(docker, spec, clusterId, process.env, logTimed, timeline),
  );
  const plan = planCluster(spec, prerequisites);
  const { secrets, agents } = await core.group(
    `Start ${plan.agents.length} agents of ${prerequisites.image.reference}`,
    () => apply(docker, plan, (scoped) => secure(scoped, plan), logTimed, timeline),
  );
  const credentials = credentialsFrom(secrets);
  const tokens = hasSeeds(spec.seeds)
    ? await core.group("Give the cluster what its file declares", () =>
        timeline.during("seeds", () =>
          seed(
            spec.seeds,
            agents.map((agent) => clientFor(agent, credentials)),
            { timeout: spec.timeout, log: logTimed, onSecret: core.setSecret, signal: canceled },
          ),
        ),
      )
    : [];
  const folder = runnerFolder(clusterId, process.env);
  const caFile = secrets?.ca ? await writeCa(folder, secrets.ca) : "";
  if (spec.cli) core.addPath(await writeCli(folder, plan));
  return timeline.during("report", () =>
    describeCluster(plan, agents, credentials, caFile, tokens),
  );
}

/** Makes what the cluster is secured with. The runner masks it all before it is first used. */
async function secure(docker: Docker, plan: ClusterPlan): Promise<Secrets | undefined> {
  if (!isSecured(plan.spec.security)) return undefined;
  const secrets = await makeSecrets(docker, plan);
  for (const value of secretValues(secrets)) core.setSecret(value);
  logTimed(`keys and certificates made by Consul ${secrets.version}`);
  return secrets;
}
