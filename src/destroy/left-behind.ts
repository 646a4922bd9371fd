import type { Docker } from "../docker/docker.ts";
import { counted } from "../errors.ts";
import { enginesIn, type Labels, labelNames } from "../plan/labels.ts";
import { removalCommand } from "./destroy.ts";
import { jobState, type MachineFacts, machineFacts } from "./job-state.ts";
import { destroyCluster } from "./several-engines.ts";

/**
 * Whether this job may remove the cluster of another job once that job is over: it must belong to
 * the same runner, and nobody has asked to keep it.
 *
 * @param mine - labels of the running job
 * @param theirs - labels of the cluster in question
 */
export function isOfSameRunner(mine: Labels, theirs: Labels): boolean {
  const hasRunner = (mine[labelNames.runner] ?? "") !== "";
  const isSame = areEqual(mine, theirs, [labelNames.runner, labelNames.home]);
  return hasRunner && isSame && !theirs[labelNames.keep];
}

/**
 * What to do with a cluster of this runner. Without proof it stays: a runner may run several jobs at
 * once, and another runner may have the same name.
 *
 * @returns `report` if it stays but may be left behind
 */
export function decide(
  mine: Labels,
  theirs: Labels,
  facts: MachineFacts,
): { action: "remove" | "report" | "ignore"; reason: string } {
  const { state, reason } = jobState(theirs, facts);
  if (state === "over") return { action: "remove", reason };
  // The jobs of a matrix have one name: only the runner's ID for the job differs.
  const ofJob = [labelNames.run, labelNames.job, labelNames.tracking];
  const isUnclear = state === "unknown" && !areEqual(mine, theirs, ofJob);
  return { action: isUnclear ? "report" : "ignore", reason };
}

const areEqual = (one: Labels, other: Labels, names: readonly string[]) =>
  names.every((name) => (one[name] ?? "") === (other[name] ?? ""));

const allLabelNames = Object.values(labelNames);

/**
 * Removes clusters that earlier jobs of this runner left behind, for example because the runner died
 * before the post step.
 *
 * @param mine - labels of the running job
 * @param log - gets a line for each cluster that was removed or may be left behind, and for each
 *   object that could not be removed
 */
export async function removeLeftBehind(
  docker: Docker,
  mine: Labels,
  log: (line: string) => void,
): Promise<void> {
  const clusters = await clustersOfRunner(docker, mine);
  if (clusters.size === 0) return;
  const facts = await machineFacts(docker, [...clusters.values()]);
  for (const [clusterId, theirs] of clusters) {
    const engines = enginesIn(theirs[labelNames.engines] ?? "");
    const { action, reason } = decide(mine, theirs, facts);
    const job = `job ${theirs[labelNames.job]} of run ${theirs[labelNames.run]}`;
    if (action === "report")
      log(
        `Cluster ${clusterId} of ${job} may be left behind, but it stays: ${reason}. To remove it: ${removalCommand(clusterId, engines)}`,
      );
    if (action === "remove") {
      const { containers, leftovers } = await destroyCluster(docker, { clusterId, engines });
      const removed = containers > 0 ? counted(containers, "container") : "volumes and network";
      log(`Cluster ${clusterId}, left behind by ${job}: ${removed} removed (${reason})`);
      for (const { name, reason, dockerContext } of leftovers) {
        const left = removalCommand(clusterId, dockerContext === "" ? [] : [dockerContext]);
        log(`  Can't remove ${name}: ${reason}. To remove what is left: ${left}`);
      }
    }
  }
}

/** @returns labels of this runner's clusters on the engine, by cluster ID */
async function clustersOfRunner(docker: Docker, mine: Labels): Promise<Map<string, Labels>> {
  const runner = mine[labelNames.runner] ?? "";
  if (runner === "") return new Map();
  const objects = await docker.labels([`label=${labelNames.runner}=${runner}`], allLabelNames);
  const all = objects.map((values): Labels => {
    return Object.fromEntries(allLabelNames.map((name, index) => [name, values[index] ?? ""]));
  });
  const named = all.filter((theirs) => theirs[labelNames.cluster] && isOfSameRunner(mine, theirs));
  return new Map(named.map((theirs) => [theirs[labelNames.cluster] ?? "", theirs]));
}
