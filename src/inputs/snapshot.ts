/** The snapshot that a cluster file names. */
import { readSnapshot } from "../consul/snapshot.ts";
import { isOlder } from "../consul/version-number.ts";
import { messageOf, type Problem } from "../errors.ts";
import type { Content } from "./cluster-file-schema.ts";
import type { ClusterSpec } from "./cluster-spec.ts";
import { type PlaceOf, problemAt } from "./file-problem.ts";
import type { DeclaredSnapshot } from "./seeds.ts";
import { shortened } from "./wording.ts";

interface Reading {
  readonly snapshot: DeclaredSnapshot | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Reads the file that `snapshot` names.
 *
 * @param readFile - reads a file; throws if it can't, without the path in its message
 */
export function readSnapshotFile(
  { snapshot: path }: Content,
  readFile: (path: string) => Buffer,
  placeOf: PlaceOf,
): Reading {
  if (path === undefined) return { snapshot: undefined, problems: [] };
  const place = placeOf("snapshot");
  const refused = (reason: string): Reading => ({
    snapshot: undefined,
    problems: [problemAt(place, `\`snapshot\`: ${reason}.`)],
  });
  let content: Buffer;
  try {
    content = readFile(path);
  } catch (error) {
    return refused(`the file can't be read: ${shortened(messageOf(error))}`);
  }
  try {
    const snapshot = { name: "snapshot", place, content, facts: readSnapshot(content) };
    return { snapshot, problems: [] };
  } catch (error) {
    const reason = `the file is not what \`consul snapshot save\` writes: ${messageOf(error)}`;
    return refused(reason);
  }
}

/** Clusters that a snapshot can't be for, whatever their version. */
export function unrestorable({
  snapshot,
  security,
  datacenters,
}: Pick<ClusterSpec, "snapshot" | "security" | "datacenters">): Problem[] {
  if (!snapshot) return [];
  const isJoined = datacenters.some(({ name, federation }) => name !== federation);
  return [
    ...(snapshot.facts.hasAcl && !security.acl
      ? [
          "`snapshot` has ACLs, but this cluster has none, so that every request would be allowed. Set `acl: true`.",
        ]
      : []),
    // A secondary datacenter keeps the trust domain that it started with (ClusterID in leader_connect_ca.go).
    ...(datacenters.length > 1
      ? [
          `\`snapshot\` can't be restored with several datacenters, and this cluster has ${datacenters.length}: ${isJoined ? "the others have taken over the CA of Connect that the first had before" : "a snapshot has the state of one, and the peerings that it had"}. Declare one datacenter.`,
        ]
      : []),
  ].map((message) => problemAt(snapshot.place, message));
}

/**
 * Why servers of a version can't be expected to restore a snapshot. Servers exit if it has what they
 * don't know.
 *
 * @param version - as `versionNumber` returns it, with `+ent` if it is Consul Enterprise
 * @param node - that runs it by its own `version`; empty if it is the cluster's
 */
export function unreadable(
  { place, facts }: DeclaredSnapshot,
  version: string,
  node = "",
): Problem[] {
  const seen = node === "" ? `this is Consul ${version}` : `${node} runs Consul ${version}`;
  const its = node === "" ? "" : "its ";
  // A server's registration, which names the version, leaves out whether it is a prerelease.
  const release = facts.version?.replace(/[-+].*/, "");
  const isNewer = release !== undefined && isOlder(version, `${release}-0`);
  const needsEdition = facts.needsEnterprise && !/\+ent\b/.test(version);
  return [
    ...(isNewer
      ? [
          `\`snapshot\` is of Consul ${release} or later, but ${seen}, and Consul restores no snapshot of a later version than its own. Set ${its}\`version\` to ${release} or later.`,
        ]
      : []),
    ...(needsEdition
      ? [
          `\`snapshot\` has what only Consul Enterprise can restore, but ${seen}. Use an image of Consul Enterprise.`,
        ]
      : []),
  ].map((message) => problemAt(place, message));
}
