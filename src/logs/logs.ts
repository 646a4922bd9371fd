import * as core from "@actions/core";
import { Engine } from "../docker/engine.ts";
import { enginesNamed } from "../docker/reach.ts";
import { listedNodes } from "../find/node-containers.ts";
import { evidenceFolder, gatherEvidence } from "../report/evidence.ts";
import { cancellation } from "../runner/cancellation.ts";
import { writeCommandFile } from "../runner/command-files.ts";
import { fail, warn } from "../runner/log.ts";
import { parseLogsInputs } from "./logs-inputs.ts";

/** The outputs, in the order of logs/action.yml. */
export const logsOutputNames = ["logs"] as const;

/**
 * The action `logs`: shows and saves the agents' logs and the cluster's state, as the post step does
 * after a failure, but early enough for a later step to upload them.
 */
export async function logs(): Promise<void> {
  const canceled = cancellation("logs");
  try {
    const { cluster } = parseLogsInputs(core.getInput);
    const engine = new Engine(canceled, core.debug);
    const nodes = await listedNodes(engine, cluster, process.env);
    const clusters = new Map(nodes.map(({ clusterId, engines }) => [clusterId, engines]));
    const ids = [...clusters.keys()].toSorted();
    if (ids.length === 0) warn(nothingLeft(cluster), { title: "No logs" });
    const folders = ids.map((clusterId) => evidenceFolder(clusterId, process.env));
    // Before anything can fail: whatever is gathered until then can be uploaded.
    writeCommandFile(() => core.setOutput(logsOutputNames[0], folders.join("\n")));
    for (const clusterId of ids) {
      const docker = enginesNamed(engine, clusters.get(clusterId) ?? []);
      await gatherEvidence(docker, clusterId, evidenceFolder(clusterId, process.env));
    }
  } catch (error) {
    fail(canceled.aborted ? canceled.reason : error);
  }
}

function nothingLeft(cluster: string): string {
  const which = cluster === "" ? "a cluster of this job" : `cluster ${cluster}`;
  return `The engine has no containers of ${which}, so there is nothing to gather. Either no step has started them, or they have been removed.`;
}
