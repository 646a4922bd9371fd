import parse from "semver/functions/parse.js";
import valid from "semver/functions/valid.js";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { InputError } from "../errors.ts";
import { clusterFilter } from "../plan/labels.ts";

/** Characters of a wrong answer that are shown. */
const maxShownOutput = 200;

/**
 * What an image's Consul says of itself. It is asked in a container that is one of the cluster's,
 * so that the post step removes it, whatever the image is.
 *
 * @param timeout - milliseconds
 * @throws InputError where it says no version of Consul in time
 */
export async function versionOf(
  docker: Docker,
  image: string,
  clusterId: string,
  timeout: number,
): Promise<string> {
  const late = AbortSignal.timeout(timeout);
  const args = ["--network=none", `--${clusterFilter(clusterId)}`, image, "version"];
  const said = await docker
    .within(late)
    .runToEnd(args)
    .catch((error: unknown) => {
      if (error === late.reason) return `nothing within ${timeout / 1000} s`;
      if (!(error instanceof DockerError) || error.failure !== "other") throw error;
      return error.said;
    });
  const version = /^Consul v?(\S+)/m.exec(said)?.[1] ?? "";
  if (valid(version, { loose: true })) return version;
  const message = `\`${image} version\` says no version of Consul: ${JSON.stringify(said.trim().slice(0, maxShownOutput))}. Is it an image of Consul, for this platform?`;
  throw new InputError([{ input: "image", message }]);
}

/** Whether one version is older than another. Build metadata, such as `+ent`, says nothing of age. */
export const isOlder = (a: string, b: string) => compare(a, b) < 0;

export const isSameVersion = (a: string, b: string) => compare(a, b) === 0;

/** Not a number where one of them is no version. */
function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => parse(version, { loose: true }));
  return left && right ? left.compare(right) : Number.NaN;
}
