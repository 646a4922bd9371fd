import * as core from "@actions/core";
import { removalCommand } from "../destroy/destroy.ts";
import { endOthers } from "../destroy/others.ts";
import { destroyCluster, type LeftoverOn } from "../destroy/several-engines.ts";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { Engine } from "../docker/engine.ts";
import { enginesNamed, reachable } from "../docker/reach.ts";
import { ActionError, counted, messageOf } from "../errors.ts";
import { several } from "../find/existing-cluster.ts";
import { type ClusterLeft, clustersLeft } from "../find/node-containers.ts";
import { evidenceFolder, showEvidence } from "../report/evidence.ts";
import { removeRunnerFolders, stepsFolder } from "../report/runner-folder.ts";
import { cancellation } from "../runner/cancellation.ts";
import { writeCommandFile } from "../runner/command-files.ts";
import { fail, logTimed, warn } from "../runner/log.ts";
import { type Exported, exportedFor, staleVariables } from "./environment.ts";
import { parseRemoveInputs, type RemoveSpec } from "./remove-inputs.ts";

/** The outputs, in the order of remove/action.yml. */
export const removeOutputNames = [] as const;

/** Milliseconds for the removal: an engine that hangs must not hold up the job for hours. */
const patience = 180_000;

/** The action `remove`: removes a cluster while the job goes on, so that the next has its ports. */
export async function remove(): Promise<void> {
  const canceled = cancellation("remove");
  try {
    const spec = parseRemoveInputs(core.getInput);
    const engine = new Engine(canceled, core.debug);
    const [cluster, ...others] = await clustersLeft(engine, spec.cluster, process.env);
    if (!cluster) return warn(nothingThere(spec.cluster), { title: "Nothing to remove" });
    if (others.length > 0) throw several([cluster, ...others].map(({ clusterId }) => clusterId));
    await withinPatience(cluster, (deadline) =>
      removeCluster(engine.within(deadline), cluster, spec),
    );
  } catch (error) {
    fail(canceled.aborted ? canceled.reason : error);
  }
}

function nothingThere(wanted: string): string {
  const which = wanted === "" ? "a cluster of this job" : `cluster ${wanted}`;
  return `The engine has nothing of ${which}. Either no step has started it, or it has been removed.`;
}

/** @throws ActionError if the work is not done in time */
async function withinPatience(
  cluster: ClusterLeft,
  work: (deadline: AbortSignal) => Promise<void>,
): Promise<void> {
  const deadline = AbortSignal.timeout(patience);
  try {
    await work(deadline);
  } catch (error) {
    if (!deadline.aborted) throw error;
    const reason = `The engine was not done after ${patience / 1000} s.`;
    throw notRemoved(cluster, reason, []);
  }
}

/** @throws ActionError with everything that could not be removed */
async function removeCluster(
  engine: Engine,
  cluster: ClusterLeft,
  spec: RemoveSpec,
): Promise<void> {
  const { env } = process;
  const { clusterId, engines } = cluster;
  await endOthers(cluster, stepsFolder(clusterId, env));
  // Of the others, the removal says that they don't answer.
  const { docker } = await reachable(enginesNamed(engine, engines));
  // Its agents' addresses are known as long as they are there.
  const exported = spec["export-env"] ? await exportedOrWarn(docker, clusterId) : undefined;
  const isGood = spec["job-status"] === "success" && !core.isDebug();
  // The post step will find no agents any more.
  if (spec.logs === "always" || (spec.logs === "failure" && !isGood))
    await showEvidence(docker, clusterId, evidenceFolder(clusterId, env));
  const { containers, leftovers } = await destroyCluster(engine, cluster);
  if (leftovers.length > 0)
    throw notRemoved(cluster, "Not everything could be removed.", leftovers);
  await removeRunnerFolders(clusterId, env);
  logTimed(
    `Cluster ${clusterId} removed: ${counted(containers, "container")}, with volumes and network.`,
  );
  if (exported) empty(staleVariables(exported, env));
}

/** A node that can't be looked at must not keep the cluster from being removed. */
async function exportedOrWarn(docker: Docker, clusterId: string): Promise<Exported | undefined> {
  try {
    return await exportedFor(docker, clusterId, process.env);
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    const message = `Variables such as CONSUL_HTTP_ADDR stay as they are, because the cluster's nodes can't be read: ${messageOf(error)}`;
    warn(message, { title: `Environment of cluster ${clusterId}` });
    return undefined;
  }
}

function notRemoved(
  { clusterId, engines }: ClusterLeft,
  reason: string,
  leftovers: readonly LeftoverOn[],
) {
  // One engine of several has a command of its own.
  const on = leftovers.length > 0 ? leftovers.map((each) => each.dockerContext) : engines;
  const left = [...new Set(on)].filter((name) => name !== "");
  const message = `${reason} To remove what is left: ${removalCommand(clusterId, left)}`;
  const lines = leftovers.map((each) => `${each.name}: ${each.reason}`);
  const quotes = lines.length > 0 ? [{ heading: "Still there:", lines }] : [];
  return new ActionError(`Cluster ${clusterId} was not removed`, message, { quotes });
}

/** Empties variables for later steps. The runner can't unset one; to Consul's clients it is the same. */
function empty(names: readonly string[]): void {
  writeCommandFile(() => {
    for (const name of names) core.exportVariable(name, "");
  });
  if (names.length > 0) logTimed(`Empty from now on: ${names.join(", ")}`);
}
