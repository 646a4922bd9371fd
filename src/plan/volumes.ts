import { imageDataDirectory } from "../inputs/agent-defaults.ts";
import { labelArguments, labels, type Owner } from "./labels.ts";

/**
 * `docker run` arguments for volumes at these directories, with the labels of their cluster. The
 * volumes that Docker makes for directories an image declares have none: if such a container is removed
 * without its volumes, nothing tells whose they are.
 */
export const volumeArguments = (owner: Owner, directories: readonly string[]): string[] =>
  directories.map((directory) => `--mount=${volume(owner, directory)}`);

/** A value for `--mount`: comma-separated fields, quoted since labels may contain commas. */
function volume(owner: Owner, directory: string): string {
  const fields = ["type=volume", `destination=${directory}`];
  return [...fields, ...labels(owner).map((label) => `volume-label=${label}`)]
    .map((field) => `"${field.replaceAll('"', '""')}"`)
    .join(",");
}

/** `docker run` arguments for a container of a cluster that is no agent: labels for it and its volume. */
export const helperArguments = (owner: Owner): string[] => [
  ...labelArguments(owner),
  ...volumeArguments(owner, [imageDataDirectory]),
];
