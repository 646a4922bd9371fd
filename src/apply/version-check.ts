import { versionNumber } from "../consul/version-number.ts";
import { has } from "../consul/versions.ts";
import type { Docker } from "../docker/docker.ts";
import { type Image, parseImage } from "../docker/image-reference.ts";
import { InputError, messageOf } from "../errors.ts";
import type { ClusterSpec } from "../inputs/cluster-spec.ts";
import { unmetNeeds, versionNeeds } from "../inputs/version-needs.ts";
import type { Owner } from "../plan/labels.ts";
import { versionOf } from "../ready/image-version.ts";
import type { StartContext } from "./start-context.ts";

/** Milliseconds. An answer takes 300; an entrypoint of the user's may wait for something. */
const versionPatience = 20_000;

/** The image that a cluster is to run, and the cluster's labels. */
interface Candidate {
  readonly owner: Owner;
  readonly image: Image;
}

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
  { owner, image }: Candidate,
): Promise<void> {
  const needs = versionNeeds(seeds);
  const labeled = versionNumber(image.version ?? "");
  if (needs.length === 0 || (labeled && unmetNeeds(needs, labeled).length === 0)) return;
  const version = await versionOf(docker, image.reference, owner.clusterId, timeout);
  const problems = unmetNeeds(needs, version);
  if (problems.length > 0) throw new InputError(problems);
}

/**
 * Whether `-dev` turns Connect on although it is off by default in the image's version. Consul itself
 * is asked only if neither label nor tag says enough: that takes as long as a server takes to start.
 *
 * @returns false if nothing depends on it, or if Consul names no version; the log then says so
 */
export async function devTurnsConnectOn(
  { docker, log }: Pick<StartContext, "docker" | "log">,
  { datacenters }: Pick<ClusterSpec, "datacenters">,
  { owner, image }: Candidate,
): Promise<boolean> {
  if (datacenters.every(({ storage }) => storage !== "memory")) return false;
  const labeled = versionNumber(image.version ?? "");
  const named = labeled && has(labeled, "connectByDefault") ? labeled : tagVersion(image);
  if (named !== undefined) return !has(named, "connectByDefault");
  try {
    const version = await versionOf(docker, image.reference, owner.clusterId, versionPatience);
    return !has(version, "connectByDefault");
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    log(`Connect is on, though this version may have it off by default: ${messageOf(error)}`);
    return false;
  }
}

/**
 * The version that an image's tag names: of `1.8` and `1.8-ubi`, 1.8.0.
 *
 * @returns undefined if it names none, or if the image has a label that says otherwise
 */
export function tagVersion({ reference, version = "" }: Image): string | undefined {
  const [tagged] = /^\d+\.\d+(?:\.\d+)?(?![\d.])/.exec(parseImage(reference)?.tag ?? "") ?? [];
  if (tagged === undefined) return undefined;
  if (version !== "" && !`${version}.`.startsWith(`${tagged}.`)) return undefined;
  return versionNumber(tagged.split(".").length === 2 ? `${tagged}.0` : tagged);
}
