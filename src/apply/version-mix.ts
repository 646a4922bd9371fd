/** Which versions of Consul may run together in one cluster. */
import { isSupported } from "../consul/upgrade-paths.ts";
import { isOlder } from "../consul/version-number.ts";
import { has } from "../consul/versions.ts";
import type { Problem } from "../errors.ts";
import type { ClusterSpec } from "../inputs/cluster-spec.ts";
import type { NodeShape } from "../inputs/nodes.ts";
import { placeText } from "../inputs/wording.ts";

/** A node and the version that its image reports. */
export interface VersionedNode extends NodeShape {
  readonly version: string;
}

/**
 * Mixes that never become a cluster.
 *
 * @param mix - every node of a cluster with several versions; empty for any other
 */
export function mixProblems(
  mix: readonly VersionedNode[],
  { security, nodes }: Pick<ClusterSpec, "security" | "nodes">,
): Problem[] {
  const { first, last } = extremes(mix);
  if (!security.acl || !first || !last) return [];
  // Then agents get legacy tokens, as every server must be able to check them.
  if (has(first.version, "chosenSecretId") || !has(last.version, "noLegacyTokens")) return [];
  const named = nodes.has(last.node) ? last : first;
  const place = nodes.get(named.node)?.place;
  const start = place ? `${placeText(place)}: ` : "";
  const message = `${start}${first.node} runs Consul ${first.version} and ${last.node} ${last.version}: with ACLs they can't form one cluster. Up to 1.4, agents have legacy tokens, which 1.11 and later refuse. Choose versions from 1.5 on, or versions up to 1.10.`;
  return [{ input: "cluster", ...(place && { place }), message }];
}

/** Mixes that Consul does not support. */
export const mixWarnings = (mix: readonly VersionedNode[]): string[] => [
  ...farApart(mix),
  ...newerClients(mix),
];

/** Servers only ever run together in the middle of an upgrade from one version to the other. */
function farApart(mix: readonly VersionedNode[]): string[] {
  const { first, last } = extremes(mix.filter(({ role }) => role === "server"));
  if (!first || !last || isSupported(first.version, last.version)) return [];
  return [
    `${first.node} runs Consul ${first.version} and ${last.node} ${last.version}. Consul supports no upgrade from one to the other in one go, so its servers are not made to work together in these versions.`,
  ];
}

/** Consul's upgrade guide upgrades clients last. */
function newerClients(mix: readonly VersionedNode[]): string[] {
  const datacenters = Map.groupBy(mix, ({ datacenter }) => datacenter);
  return [...datacenters.values()].flatMap((nodes) => {
    const { first: server } = extremes(nodes.filter(({ role }) => role === "server"));
    const { last: client } = extremes(nodes.filter(({ role }) => role === "client"));
    if (!server || !client || !isOlder(server.version, client.version)) return [];
    return [
      `${client.node} runs Consul ${client.version}, but the server ${server.node} runs ${server.version}. Consul's servers are upgraded before its clients: a client may ask for what an older server does not know.`,
    ];
  });
}

/** The nodes with the oldest and the newest version; of several, the first. */
function extremes(nodes: readonly VersionedNode[]) {
  const least = (isBefore: (a: VersionedNode, b: VersionedNode) => boolean) =>
    nodes.reduce<VersionedNode | undefined>(
      (best, node) => (best === undefined || isBefore(node, best) ? node : best),
      undefined,
    );
  return {
    first: least((a, b) => isOlder(a.version, b.version)),
    last: least((a, b) => isOlder(b.version, a.version)),
  };
}
