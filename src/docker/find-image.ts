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

/** What pulling an image needs. */
export interface Puller {
  readonly docker: Docker;
  /** Gets the lines of a pull. */
  readonly log: (line: string) => void;
  /** Ends the wait for another attempt. */
  readonly signal: AbortSignal;
}

/**
 * Finds the first of these images that the engine has or can pull.
 *
 * @param references - in order of preference; a later one is pulled if no registry has the earlier
 *   ones
 * @param mirrors - used if a registry refuses or can't be reached
 * @throws ActionError that says what was tried
 */
export async function findImage(
  puller: Puller,
  references: readonly string[],
  mirrors: Mirrors = secondRegistries,
): Promise<Image> {
  for (const reference of references) {
    const image = await puller.docker.image(reference);
    if (image) return image;
  }
  for (const reference of references) {
    const image = await pullOrMirror(puller, reference, mirrors);
    if (image) return image;
  }
  throw new ActionError(
    "Image not found",
    `No registry has ${references.join(" or ")}. Check the tags of the image, and set \`version\` or \`image\` to one that exists.`,
  );
}

async function pullOrMirror(
  puller: Puller,
  reference: string,
  mirrors: Mirrors,
): Promise<Image | undefined> {
  try {
    return await pull(puller, reference);
  } catch (error) {
    const mirror = mirrored(reference, mirrors);
    if (!(error instanceof DockerError) || !refusals.includes(error.failure) || !mirror)
      throw error;
    puller.log(`${reference} can't be pulled. Trying ${mirror} instead`);
    const image = await pull(puller, mirror).catch((reason: unknown) => {
      throw reason instanceof DockerError ? bothFailed(reference, mirror, error, reason) : reason;
    });
    if (!image) throw bothFailed(reference, mirror, error, undefined);
    return image;
  }
}

const refusals: readonly string[] = ["rate-limited", "registry-unreachable"];

/** The first failure is the one to act on; the message has both. */
function bothFailed(
  reference: string,
  mirror: string,
  cause: DockerError,
  reason: DockerError | undefined,
): ActionError {
  const message = `${reference}: ${cause.message}\n${mirror}, tried instead: ${reason ? reason.said : "it does not exist"}`;
  return new ActionError("Image can't be pulled", message, { cause });
}

/** The same image in the second registry. `docker.io/hashicorp/…` is `hashicorp/…`, too. */
export function mirrored(reference: string, mirrors: Mirrors): string | undefined {
  const repository = parseImage(reference)?.repository ?? "";
  const mirror = mirrors.get(repository.replace(/^(index\.)?docker\.io\//, ""));
  return mirror && mirror + reference.slice(repository.length);
}

async function pull(
  { docker, log, signal }: Puller,
  reference: string,
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
