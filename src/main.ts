import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as core from "@actions/core";
import { apply } from "./apply.ts";
import { cancellation } from "./cancellation.ts";
import { Docker, isEngineGone } from "./docker.ts";
import { InputError } from "./errors.ts";
import { showEvidence } from "./evidence.ts";
import { type ClusterSpec, parseInputs } from "./inputs.ts";
import { fail, timed } from "./log.ts";
import { markOf } from "./orphans.ts";
import { planCluster } from "./plan.ts";
import { describe, type ReadyCluster, report } from "./report.ts";
import { answering, checkCommandFiles } from "./runner-files.ts";
import { prepareSite } from "./site.ts";
import { saveState } from "./state.ts";

/** The main step: inputs become a spec, the spec a plan, the plan a cluster that is ready. */
export async function main(): Promise<void> {
  const canceled = cancellation();
  const clusterId = randomBytes(4).toString("hex");
  const docker = new Docker(canceled, core.debug, markOf(clusterId));
  const folder = join(process.env.RUNNER_TEMP ?? tmpdir(), `consul-${clusterId}`);
  let logs = "";
  try {
    const { spec, warnings } = parseInputs(core.getInput);
    for (const warning of warnings) core.warning(warning);
    checkCommandFiles(process.env);
    const wanted = spec.logs === "never" ? "" : folder;
    const logsAlways = spec.logs === "always";
    saveState({ clusterId, cleanup: spec.cleanup, logs: wanted, logsAlways });
    // Said at once: it is wanted most where the rest of this step fails.
    answering(() => core.setOutput("logs", wanted));
    logs = wanted;
    await report(await create(docker, spec, clusterId), logs);
  } catch (error) {
    fail(canceled.aborted ? canceled.reason : error);
    if (canceled.aborted || error instanceof InputError || isEngineGone(error) || !logs) return;
    await showEvidence(docker, clusterId, logs);
  }
}

async function create(docker: Docker, spec: ClusterSpec, clusterId: string): Promise<ReadyCluster> {
  const site = await core.group("Prepare image and network", () =>
    prepareSite(docker, spec, clusterId, process.env, timed),
  );
  const plan = planCluster(spec, site);
  const agents = await core.group(
    `Start ${plan.agents.length} agents of ${site.image.reference}`,
    () => apply(docker, plan, timed),
  );
  return describe(plan, agents);
}
