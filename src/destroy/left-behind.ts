import type { Docker } from "../docker/docker.ts";
import { counted } from "../errors.ts";
import { labelNames } from "../plan/labels.ts";
import { destroy } from "./destroy.ts";

/** Labels that identify a cluster's job and runner: values by name. */
type Labels = Readonly<Record<string, string>>;

/** The tracking ID that the runner gives each job (actions/runner, `JobExtension`, `ProcessTrackingId`). */
const trackingPattern = /^github_[0-9a-f-]{36}$/;

/**
 * Whether an earlier job of this runner left a cluster behind. A runner runs one job at a time, so a
 * cluster of another job on the same runner can't be in use any more.
 *
 * The runner is the same if name, machine and folder match; the job is another one if the run, its
 * attempt or the job's name differs. The jobs of a matrix match in all of these: only the runner's
 * tracking ID differs. If a workflow has overwritten that ID (a known way to let a process outlive
 * its job), it proves nothing, and the cluster stays.
 *
 * @param mine - labels of the running job
 * @param theirs - labels of the cluster in question
 */
export function isLeftBehind(mine: Labels, theirs: Labels): boolean {
  const same = (name: string) => (mine[name] ?? "") === (theirs[name] ?? "");
  const isSameRunner =
    mine[labelNames.runner] !== "" && same(labelNames.runner) && same(labelNames.home);
  if (!isSameRunner || theirs[labelNames.keep]) return false;
  const ids = [mine, theirs].map((labels) => labels[labelNames.tracking] ?? "");
  const hasOtherId = !same(labelNames.tracking) && ids.every((id) => trackingPattern.test(id));
  return !same(labelNames.run) || !same(labelNames.job) || hasOtherId;
}

const allLabelNames = Object.values(labelNames);

/**
 * Removes clusters that earlier jobs of this runner left behind, for example because the runner died
 * before the post step.
 *
 * @param mine - labels of the running job
 * @param log - gets a line for each cluster removed, and for each object that could not be
 */
export async function removeLeftBehind(
  docker: Docker,
  mine: Labels,
  log: (line: string) => void,
): Promise<void> {
  const runner = mine[labelNames.runner] ?? "";
  if (runner === "") return;
  const found = await docker.labels(`label=${labelNames.runner}=${runner}`, allLabelNames);
  const owners = found.map((values): Labels => {
    return Object.fromEntries(allLabelNames.map((name, index) => [name, values[index] ?? ""]));
  });
  const clusters = new Map(owners.map((labels) => [labels[labelNames.cluster] ?? "", labels]));
  for (const [clusterId, theirs] of clusters) {
    if (clusterId === "" || !isLeftBehind(mine, theirs)) continue;
    const { containers, leftovers } = await destroy(docker, clusterId);
    const from = `job ${theirs[labelNames.job]} of run ${theirs[labelNames.run]}`;
    log(
      `Cluster ${clusterId}, left behind by ${from}: ${counted(containers, "container")} removed`,
    );
    for (const { name, reason } of leftovers) log(`  Can't remove ${name}: ${reason}`);
  }
}
