import type { Docker } from "../docker/docker.ts";
import { labelNames } from "../plan/labels.ts";
import { destroy } from "./destroy.ts";

/** The labels that tell whose a cluster is, by their names. */
type Labels = Readonly<Record<string, string>>;

/** The runner gives each job such a mark (actions/runner, `JobExtension`, `ProcessTrackingId`). */
const trackingPattern = /^github_[0-9a-f-]{36}$/;

/**
 * Whether a cluster was left behind by an earlier job of this very runner. A runner does one job
 * at a time, so what another job of the same runner started can't be in use any more.
 *
 * It is the same runner where name, machine and folder agree, and another job where the run, its
 * attempt or the job's name differ. The jobs of a matrix agree in all of these: only the runner's
 * own mark tells them apart. Where a workflow has overwritten that mark (a known way to let a
 * process outlive its job) it says nothing, and the cluster stays.
 *
 * @param mine - labels of the running job
 * @param theirs - labels of the cluster in question
 */
export function isLeftBehind(mine: Labels, theirs: Labels): boolean {
  const same = (name: string) => (mine[name] ?? "") === (theirs[name] ?? "");
  const isSameRunner =
    mine[labelNames.runner] !== "" && same(labelNames.runner) && same(labelNames.home);
  if (!isSameRunner || theirs[labelNames.keep]) return false;
  const marks = [mine, theirs].map((labels) => labels[labelNames.tracking] ?? "");
  const isOtherMark = !same(labelNames.tracking) && marks.every((m) => trackingPattern.test(m));
  return !same(labelNames.run) || !same(labelNames.job) || isOtherMark;
}

const identity = Object.values(labelNames);

/**
 * Removes the clusters that earlier jobs of this runner left behind, as where a runner died before
 * its post step.
 *
 * @param mine - labels of the running job
 * @param log - gets a line for each cluster
 */
export async function removeLeftBehind(
  docker: Docker,
  mine: Labels,
  log: (line: string) => void,
): Promise<void> {
  const runner = mine[labelNames.runner] ?? "";
  if (runner === "") return;
  const found = await docker.labels(`label=${labelNames.runner}=${runner}`, identity);
  const owners = found.map((values): Labels => {
    return Object.fromEntries(identity.map((name, index) => [name, values[index] ?? ""]));
  });
  const clusters = new Map(owners.map((labels) => [labels[labelNames.cluster] ?? "", labels]));
  for (const [clusterId, theirs] of clusters) {
    if (clusterId === "" || !isLeftBehind(mine, theirs)) continue;
    const { containers, leftovers } = await destroy(docker, clusterId);
    const from = `job ${theirs[labelNames.job]} of run ${theirs[labelNames.run]}`;
    log(`Cluster ${clusterId}, left behind by ${from}: ${containers} containers removed`);
    for (const { name, reason } of leftovers) log(`  ${name} can't be removed: ${reason}`);
  }
}
