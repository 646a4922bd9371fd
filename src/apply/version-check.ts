import { versionNumber } from "../consul/version-number.ts";
import type { Docker } from "../docker/docker.ts";
import type { Image } from "../docker/image-reference.ts";
import { InputError } from "../errors.ts";
import type { ClusterSpec } from "../inputs/cluster-spec.ts";
import { unmetNeeds, versionNeeds } from "../inputs/version-needs.ts";
import { versionOf } from "../ready/image-version.ts";

/**
 * Checks that the image's version of Consul supports what the cluster file declares. The version is
 * the one that the image's label names. If it has none, or one that is too old, Consul itself is
 * asked: the label may be about something else that the image is made from.
 *
 * @throws InputError with everything that this version does not support, and its place in the file;
 *   or if Consul was asked and named no version
 */
export async function checkVersion(
  docker: Docker,
  { seeds, timeout }: Pick<ClusterSpec, "seeds" | "timeout">,
  { clusterId, image }: { readonly clusterId: string; readonly image: Image },
): Promise<void> {
  const needs = versionNeeds(seeds);
  const labeled = versionNumber(image.version ?? "");
  if (needs.length === 0 || (labeled && unmetNeeds(needs, labeled).length === 0)) return;
  const version = await versionOf(docker, image.reference, clusterId, timeout);
  const problems = unmetNeeds(needs, version);
  if (problems.length > 0) throw new InputError(problems);
}
