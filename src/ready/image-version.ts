import { printedVersion } from "../consul/version-number.ts";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { InputError } from "../errors.ts";
import { helperArguments } from "../plan/volumes.ts";

/** Characters of an unexpected output that are shown. */
const maxShownOutput = 200;

/**
 * The version that an image's Consul reports. The container that asks for it has the cluster's
 * label, so that the post step removes it whatever the image does.
 *
 * @param timeout - milliseconds
 * @throws InputError if it doesn't report a version of Consul in time
 */
export async function versionOf(
  docker: Docker,
  image: string,
  clusterId: string,
  timeout: number,
): Promise<string> {
  const late = AbortSignal.timeout(timeout);
  const owner = helperArguments({ clusterId, jobLabels: {} });
  const args = ["--network=none", ...owner, image, "version"];
  const said = await docker
    .within(late)
    .runToEnd(args)
    .catch((error: unknown) => {
      if (error === late.reason) return `no output within ${timeout / 1000} s`;
      if (!(error instanceof DockerError) || error.failure !== "other") throw error;
      return error.said;
    });
  const version = printedVersion(said);
  if (version !== undefined) return version;
  const message = `\`${image} version\` did not print a version of Consul: ${JSON.stringify(said.trim().slice(0, maxShownOutput))}. Check that it is a Consul image for this platform.`;
  throw new InputError([{ input: "image", message }]);
}
