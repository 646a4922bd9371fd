import { versionNumber } from "../consul/version-number.ts";
import { has } from "../consul/versions.ts";
import { type Image, parseImage } from "../docker/image-reference.ts";
import { InputError, messageOf, type Problem } from "../errors.ts";
import type { AgentsSpec, ClusterSpec } from "../inputs/cluster-spec.ts";
import { nodesOf } from "../inputs/nodes.ts";
import { unreadable } from "../inputs/snapshot.ts";
import { unmetNeeds, versionNeeds } from "../inputs/version-needs.ts";
import type { Owner } from "../plan/labels.ts";
import { versionOf } from "../ready/image-version.ts";
import { type ClusterImages, distinctImages } from "./cluster-images.ts";
import type { StartContext } from "./start-context.ts";
import { mixProblems, mixWarnings, type VersionedNode } from "./version-mix.ts";

/** Milliseconds. An answer takes 300; an entrypoint of the user's may wait for something. */
const versionPatience = 20_000;

/** What nodes run, and the cluster's labels. */
interface Candidates {
  readonly owner: Owner;
  readonly images: ClusterImages;
}

/**
 * Checks that the servers' versions of Consul support what the cluster file declares, and that the
 * versions of a mixed cluster go together. The version is the one that the image's label names. If it
 * has none, or one that is too old, or if nodes have their own images, Consul itself is asked: the
 * label may be about something else that the image is made from.
 *
 * @returns versions that images report, by reference; those of all images if nodes have their own
 * @throws InputError with everything that a version does not support, and its place in the file;
 *   or if Consul was asked and named no version
 */
export async function checkVersions(
  { docker, warn }: Pick<StartContext, "docker" | "warn">,
  spec: Pick<ClusterSpec, "seeds" | "snapshot" | "timeout" | "datacenters" | "security" | "nodes">,
  { owner, images }: Candidates,
): Promise<ReadonlyMap<string, string>> {
  const { clusterId } = owner;
  const versions = new Map<string, string>();
  const ask = async (reference: string) => {
    const version =
      versions.get(reference) ?? (await versionOf(docker, reference, clusterId, spec.timeout));
    versions.set(reference, version);
    return version;
  };
  if (images.ofNodes.size > 0)
    for (const { reference } of distinctImages(images)) await ask(reference);
  const problemsOf = unsupportedBy(spec);
  const problems: Problem[] = [];
  for (const { image, node } of serverImages(spec, images)) {
    const labeled = versionNumber(image.version ?? "");
    const isEnough = labeled !== undefined && problemsOf(labeled, node).length === 0;
    if (!hasNeeds(spec) || (isEnough && !versions.has(image.reference))) continue;
    problems.push(...problemsOf(await ask(image.reference), node));
  }
  const mix = mixOf(spec, images, versions);
  problems.push(...mixProblems(mix, spec));
  if (problems.length > 0) throw new InputError(problems);
  for (const message of mixWarnings(mix)) warn(message);
  return versions;
}

/** Whether anything that the cluster file declares depends on the servers' versions. */
const hasNeeds = ({ seeds, snapshot }: Pick<ClusterSpec, "seeds" | "snapshot">) =>
  snapshot !== undefined || versionNeeds(seeds).length > 0;

/** What a server with this version does not support of what the cluster file declares. */
const unsupportedBy =
  ({ seeds, snapshot }: Pick<ClusterSpec, "seeds" | "snapshot">) =>
  (version: string, node: string): Problem[] => [
    ...unmetNeeds(versionNeeds(seeds), version, node),
    ...(snapshot ? unreadable(snapshot, version, node) : []),
  ];

/** Each image that servers run, with the first node that has it as its own; empty for the cluster's. */
function serverImages(
  { datacenters }: Pick<ClusterSpec, "datacenters">,
  { image, ofNodes }: ClusterImages,
): { image: Image; node: string }[] {
  const found = new Map<string, { image: Image; node: string }>();
  for (const { node, role } of nodesOf(datacenters)) {
    const own = ofNodes.get(node);
    const { reference } = own ?? image;
    if (role === "server" && !found.has(reference))
      found.set(reference, { image: own ?? image, node: own ? node : "" });
  }
  return [...found.values()];
}

function mixOf(
  { datacenters }: Pick<ClusterSpec, "datacenters">,
  { image, ofNodes }: ClusterImages,
  versions: ReadonlyMap<string, string>,
): VersionedNode[] {
  return nodesOf(datacenters).flatMap((shape) => {
    const version = versions.get((ofNodes.get(shape.node) ?? image).reference);
    return version === undefined || ofNodes.size === 0 ? [] : [{ ...shape, version }];
  });
}

/** The image that a cluster is to run, and the cluster's labels. */
interface Candidate {
  readonly owner: Owner;
  readonly image: Image;
}

/**
 * Whether `-dev` turns Connect on although it is off by default in the image's version. Consul itself
 * is asked only if neither label nor tag says enough: that takes as long as a server takes to start.
 *
 * @returns false if nothing depends on it, or if Consul names no version; the log then says so
 */
export async function devTurnsConnectOn(
  { docker, log }: Pick<StartContext, "docker" | "log">,
  { datacenters }: Pick<AgentsSpec, "datacenters">,
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
