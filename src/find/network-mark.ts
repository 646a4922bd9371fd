import type { ContainerFacts } from "../docker/answers.ts";

/** The states of a node that runs, but whose network was changed. */
export type NetworkState = "isolated" | "partitioned" | "impaired";

/** How a node's network was changed, and its state then. */
const states = {
  isolated: "isolated",
  partitioned: "partitioned",
  netem: "impaired",
  htb: "impaired",
  iptables: "impaired",
} as const satisfies Readonly<Record<string, NetworkState>>;

/** How a node's network was changed: by routes, or by a means of the kernel. */
export type NetworkMark = keyof typeof states;

/** The means by which a node's network is made worse. */
export type ImpairMethod = Exclude<NetworkMark, "isolated" | "partitioned">;

const isMark = (name: string): name is NetworkMark => name in states;

/**
 * How a running node's network was changed; undefined if it wasn't.
 *
 * @param volumes - names of the cluster's volumes
 */
export const markOf = (node: ContainerFacts, volumes: readonly string[]): NetworkMark | undefined =>
  Object.keys(states)
    .filter(isMark)
    .find((mark) => volumes.includes(markVolume(node, mark)));

/** The same as a state. */
export function networkStateOf(
  node: ContainerFacts,
  volumes: readonly string[],
): NetworkState | undefined {
  const mark = markOf(node, volumes);
  return mark && states[mark];
}

/**
 * The name of an empty volume that marks a node for later steps. (Reading the routes in each container
 * instead takes 0.07 s a node, measured.) The mark is valid until the node starts again, just as the
 * changes are.
 */
export const markVolume = ({ Name, State }: ContainerFacts, mark: NetworkMark) =>
  `${Name}-${mark}-${Date.parse(State.StartedAt)}`;
