/** What a container's facts say about its node. */
import type { ContainerFacts } from "../docker/answers.ts";
import { imageDataDirectory } from "../inputs/agent-defaults.ts";
import { labelNames } from "../plan/labels.ts";

/** A node's connection to one docker network. */
export type Endpoint = ContainerFacts["NetworkSettings"]["Networks"][string];

/** @returns the label's value; empty if the container has no such label */
export const labelOf = ({ Config }: ContainerFacts, name: string) => Config.Labels?.[name] ?? "";

/** The node's connection to the cluster's network; undefined if it was disconnected from it. */
export function clusterEndpoint(facts: ContainerFacts): Endpoint | undefined {
  const name = clusterNetworkName(facts);
  return name === undefined ? undefined : facts.NetworkSettings.Networks[name];
}

/** The node's connections to all networks except the cluster's, by network name. */
export function otherEndpoints(facts: ContainerFacts): [network: string, endpoint: Endpoint][] {
  const name = clusterNetworkName(facts);
  return Object.entries(facts.NetworkSettings.Networks).filter(([network]) => network !== name);
}

// The label has what the user wrote in the input `network`: a name or an ID.
function clusterNetworkName(facts: ContainerFacts): string | undefined {
  const wanted = labelOf(facts, labelNames.network);
  const networks = Object.entries(facts.NetworkSettings.Networks);
  const [named] =
    networks.find(([name]) => name === wanted) ??
    networks.find(([, { NetworkID }]) => wanted !== "" && NetworkID.startsWith(wanted)) ??
    [];
  return named;
}

/** The agent's data directory, chosen the way the image's entrypoint chooses it. */
export function dataDirectoryOf({ Config }: ContainerFacts): string {
  const variable = "CONSUL_DATA_DIR=";
  const given = Config.Env?.find((each) => each.startsWith(variable))?.slice(variable.length);
  return given || imageDataDirectory;
}
