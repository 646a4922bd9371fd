import pRetry from "p-retry";
import { ActionError } from "../errors.ts";
import type { Docker } from "./docker.ts";
import { DockerError } from "./docker-error.ts";
import { type Image, parseImage, shortName } from "./image-reference.ts";

/** Repositories with the same images, by the name of the repository they replace. */
type Mirrors = ReadonlyMap<string, string>;

/**
 * HashiCorp publishes Consul's image in two registries. Docker Hub limits pulls without a login by
 * IP address, and GitHub's runners share theirs with many.
 */
const secondRegistries: Mirrors = new Map([
  ["hashicorp/consul", "public.ecr.aws/hashicorp/consul"],
  ["hashicorp/consul-enterprise", "public.ecr.aws/hashicorp/consul-enterprise"],
  // The older name is one of Docker's official images, which Amazon copies (gallery.ecr.aws/docker).
  ["consul", "public.ecr.aws/docker/library/consul"],
]);

/** When an image is pulled: if the engine does not have it, before each start, or not at all. */
export const pullPolicies = ["missing", "always", "never"] as const;
export type PullPolicy = (typeof pullPolicies)[number];

/** What is to be found. */
interface Wanted {
  /** References in order of preference; a later one is pulled if no registry has the earlier ones. */
  readonly images: readonly string[];
  readonly pull: PullPolicy;
}

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

interface Pull extends Puller {
  /** What the log says of the image. */
  readonly why: string;
}

/**
 * Finds the first of these images that the engine has or can pull.
 *
 * @param mirrors - used if a registry refuses or can't be reached
 * @throws ActionError that says what was tried
 */
export async function findImage(
  puller: Puller,
  { images, pull }: Wanted,
  mirrors: Mirrors = secondRegistries,
): Promise<Image> {
  const local = pull === "always" ? undefined : await firstLocal(puller.docker, images);
  if (local) return local;
  if (pull === "never") throw notOnEngine(images);
  const why =
    pull === "always" ? "is pulled, as `pull` is always" : "is not on this engine: pulling it";
  const failures: ActionError[] = [];
  for (const reference of images) {
    const outcome = await pullOrMirror({ ...puller, why }, reference, mirrors);
    if (outcome instanceof ActionError) failures.push(outcome);
    else if (outcome) return outcome;
  }
  throw failures.length > 0 ? allFailed(failures) : notFound(images);
}

async function firstLocal(docker: Docker, images: readonly string[]): Promise<Image | undefined> {
  for (const reference of images) {
    const image = await docker.image(reference);
    if (image) return image;
  }
  return undefined;
}

const notOnEngine = (images: readonly string[]) =>
  new ActionError(
    "Image not on the engine",
    `The engine does not have ${images.join(" or ")}, and \`pull\` is never. Load or pull it before this step (\`docker pull ${images[0]}\`), or set \`pull: missing\`.`,
  );

const notFound = (images: readonly string[]) =>
  new ActionError(
    "Image not found",
    `No registry has ${images.join(" or ")}. Check the tags of the image, and set \`version\` or \`image\` to one that exists.`,
  );

/** The first failure is the one to act on; the message has all. */
function allFailed([first, ...others]: readonly ActionError[]): ActionError | undefined {
  if (first === undefined || others.length === 0) return first;
  const message = [first, ...others].map((failure) => failure.message).join("\n");
  return new ActionError(first.title, message, { cause: first });
}

/**
 * @returns undefined if there is no such image; why not, if the registry refused and its mirror does not
 *   have the image either
 * @throws DockerError if the registry has no mirror, or an engine's own failure
 */
async function pullOrMirror(
  puller: Pull,
  reference: string,
  mirrors: Mirrors,
): Promise<Image | ActionError | undefined> {
  try {
    return await pull(puller, reference);
  } catch (error) {
    const mirror = mirrored(reference, mirrors);
    if (!(error instanceof DockerError) || !refusals.includes(error.failure) || !mirror)
      throw error;
    puller.log(`${reference} can't be pulled. Trying ${mirror} instead`);
    return pull(puller, mirror).then(
      (image) => image ?? bothFailed(reference, mirror, error, undefined),
      (reason: unknown) => {
        if (!(reason instanceof DockerError)) throw reason;
        return bothFailed(reference, mirror, error, reason);
      },
    );
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

/** The same image in the second registry. */
export function mirrored(reference: string, mirrors = secondRegistries): string | undefined {
  const repository = parseImage(reference)?.repository ?? "";
  const mirror = mirrors.get(shortName(repository));
  return mirror && mirror + reference.slice(repository.length);
}

async function pull(
  { docker, log, signal, why }: Pull,
  reference: string,
): Promise<Image | undefined> {
  log(`${reference} ${why}`);
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
