import type { ContainerFacts } from "../docker/answers.ts";

/** The states of a node that runs but is cut off from others. */
export const cutStates = ["isolated", "partitioned"] as const;
export type CutState = (typeof cutStates)[number];

/**
 * How a running node is cut off; undefined if it isn't.
 *
 * @param volumes - names of the cluster's volumes
 */
export const cutStateOf = (
  node: ContainerFacts,
  volumes: readonly string[],
): CutState | undefined => cutStates.find((state) => volumes.includes(cutMark(node, state)));

/**
 * The name of an empty volume that marks a node as cut off for later steps. (Reading the routes in
 * each container instead takes 0.07 s a node, measured.) The mark is valid until the node starts
 * again, just as the routes are.
 */
export const cutMark = ({ Name, State }: ContainerFacts, state: CutState) =>
  `${Name}-${state}-${Date.parse(State.StartedAt)}`;
