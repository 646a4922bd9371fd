import { isOlder, isSameVersion } from "../consul/version-number.ts";
import type { Docker } from "../docker/docker.ts";
import { findImage } from "../docker/find-image.ts";
import { InputError, type Problem } from "../errors.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { versionOf } from "../ready/image-version.ts";
import { logTimed } from "../runner/log.ts";
import { firstOf, type UpgradeStep, type UpgradeTarget } from "./step.ts";
import { upgradeImages, wrongVersions } from "./upgrade-inputs.ts";

/**
 * Finds or pulls the images to upgrade to, one after another.
 *
 * @returns the stops of `via` in their order, then the wanted version
 * @throws InputError with all problems, if one isn't an image of Consul, or if a stop isn't older
 *   than what comes after it
 */
export async function resolveTargets(step: UpgradeStep): Promise<UpgradeTarget[]> {
  const { spec, cluster } = step;
  const current = firstOf(cluster.agents).facts.Config.Image;
  const mistakes = wrongVersions(spec, current);
  if (mistakes.length > 0) throw new InputError(mistakes);
  const images = upgradeImages(spec, current);
  const targets: UpgradeTarget[] = [];
  const problems: Problem[] = [];
  for (const [index, references] of images.entries()) {
    try {
      targets.push(await findTarget(step, references));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const input = index < spec.via.length ? "via" : "image";
      problems.push(...error.problems.map((problem) => ({ ...problem, input })));
    }
  }
  problems.push(...orderProblems(targets));
  if (problems.length > 0) throw new InputError(problems);
  return targets;
}

async function findTarget(
  { docker, spec, cluster, signal }: UpgradeStep,
  references: readonly string[],
): Promise<UpgradeTarget> {
  const wanted = { images: references, pull: "missing" } as const;
  const { reference } = await findImage({ docker, log: logTimed, signal }, wanted);
  await docker.shareImage(reference, { log: logTimed, isNeverPulled: false });
  const version = await versionOf(docker, reference, cluster.clusterId, spec.timeout);
  const { id } = await docker.imageDefaults(reference);
  return { image: reference, id, version };
}

/** The same target as the engine of an agent knows it: engines that store images differently have other IDs. */
export async function asAt(
  docker: Docker,
  target: UpgradeTarget,
  { container, engine }: Pick<FoundAgent, "container" | "engine">,
): Promise<UpgradeTarget> {
  if (engine === "") return target;
  const { id } = await (await docker.at(container)).imageDefaults(target.image);
  return { ...target, id };
}

/** A problem for each version that is not newer than the one before it. */
export function orderProblems(
  targets: readonly Pick<UpgradeTarget, "image" | "version">[],
): Problem[] {
  return targets.slice(1).flatMap(({ version, image }, index) => {
    const before = targets[index];
    if (!before) return [];
    if (!isOlder(version, before.version) && !isSameVersion(version, before.version)) return [];
    const message = `Input \`via\` has ${before.version} (${before.image}) before ${version} (${image}), which is not newer. Each version in \`via\` must be newer than the one before it, and older than the version to upgrade to.`;
    return [{ input: "via", message }];
  });
}
