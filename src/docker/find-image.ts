import pRetry from "p-retry";
import { ActionError } from "../errors.ts";
import type { Docker } from "./docker.ts";
import { DockerError } from "./docker-error.ts";
import { type Image, parseImage } from "./image-reference.ts";

/** Repositories with the same images, by the name of the repository they replace. */
type Mirrors = ReadonlyMap<string, string>;

/**
 * HashiCorp publishes Consul's image in two registries. Docker Hub limits pulls without a login by
 * IP address, and GitHub's runners share theirs with many.
 */
const secondRegistries: Mirrors = new Map([
  ["hashicorp/consul", "public.ecr.aws/hashicorp/consul"],
]);

/** How a pull is retried: after about 1, 2, and 4 s, each up to twice as long at random. */
const retries = { retries: 3, minTimeout: 1000, factor: 2, randomize: true };

/**
 * Finds the first of these images that the engine has or can pull.
 *
 * @param references - in order of preference; a later one is pulled if no registry has the earlier
 *   ones
 * @param log - gets the lines of a pull
 * @param signal - ends the wait for another attempt
 * @param mirrors - used if a registry refuses or can't be reached
 * @throws ActionError that says what was tried
 */
export async function findImage(
  docker: Docker,
  references: readonly string[],
  log: (line: string) => void,
  signal: AbortSignal,
  mirrors: Mirrors = secondRegistries,
): Promise<Image> {
  for (const reference of references) {
    const image = await docker.image(reference);
    if (image) return image;
  }
  for (const reference of references) {
    const image = await pullOrMirror(docker, reference, log, signal, mirrors);
    if (image) return image;
  }
  throw new ActionError(
    "Image not found",
    `No registry has ${references.join(" or ")}. Check the tags of the image, and set \`version\` or \`image\` to one that exists.`,
  );
}

async function pullOrMirror(
  docker: Docker,
  reference: string,
  log: (line: string) => void,
  signal: AbortSignal,
  mirrors: Mirrors,
): Promise<Image | undefined> {
  try {
    return await pull(docker, reference, log, signal);
  } catch (error) {
    const mirror = mirrored(reference, mirrors);
    if (!(error instanceof DockerError) || !refusals.includes(error.failure) || !mirror)
      throw error;
    log(`${reference} can't be pulled. Trying ${mirror} instead`);
    return await fromMirror(docker, reference, mirror, error, log, signal);
  }
}

const refusals: readonly string[] = ["rate-limited", "registry-unreachable"];

/** If both registries fail, the first failure is the one to act on; the message has both. */
async function fromMirror(
  docker: Docker,
  reference: string,
  mirror: string,
  refusal: DockerError,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Image> {
  const reason = await pull(docker, mirror, log, signal).catch((error: unknown) => {
    if (error instanceof DockerError) return error;
    throw error;
  });
  if (reason && !(reason instanceof DockerError)) return reason;
  throw new ActionError(
    "Image can't be pulled",
    `${reference}: ${refusal.message}\n${mirror}, tried instead: ${reason ? reason.said : "it does not exist"}`,
    { cause: refusal },
  );
}

/** The same image in the second registry. `docker.io/hashicorp/…` is `hashicorp/…`, too. */
export function mirrored(reference: string, mirrors: Mirrors): string | undefined {
  const repository = parseImage(reference)?.repository ?? "";
  const mirror = mirrors.get(repository.replace(/^(index\.)?docker\.io\//, ""));
  return mirror && mirror + reference.slice(repository.length);
}

async function pull(
  docker: Docker,
  reference: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Image | undefined> {
  log(`${reference} is not on this engine: pulling it`);
  try {
    await pRetry(() => docker.pull(reference, log), {
      ...retries,
      signal,
      shouldRetry: ({ error }) =>
        error instanceof DockerError && error.failure === "registry-unreachable",
      onFailedAttempt: ({ error, retriesLeft }) => {
        if (!(error instanceof DockerError) || error.failure !== "registry-unreachable") return;
        // The log has what docker said.
        if (retriesLeft > 0) log("Retrying in a moment");
      },
    });
  } catch (error) {
    if (!(error instanceof DockerError) || error.failure !== "not-found") throw error;
    log(`${reference} does not exist`);
    return undefined;
  }
  return docker.image(reference);
}
