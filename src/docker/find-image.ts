import pRetry from "p-retry";
import { ActionError } from "../errors.ts";
import type { Docker } from "./docker.ts";
import { DockerError } from "./docker-error.ts";
import { type Image, parseImage } from "./image-reference.ts";

/** Repositories that hold the same images, by the name of the one that may refuse. */
type Mirrors = ReadonlyMap<string, string>;

/**
 * HashiCorp publishes Consul's image at two places. Docker Hub limits what is pulled without a
 * login, and GitHub's runners share their addresses with many.
 */
const secondRegistries: Mirrors = new Map([
  ["hashicorp/consul", "public.ecr.aws/hashicorp/consul"],
]);

/** How a pull is tried again: waits of about 1, 2 and 4 s, each made up to twice as long at random. */
const retries = { retries: 3, minTimeout: 1000, factor: 2, randomize: true };

/**
 * The first of these images that the engine has or can get.
 *
 * @param references - in the order of preference; a later one is pulled where no registry has the
 *   earlier
 * @param log - gets the lines of a pull
 * @param signal - ends waiting for another attempt
 * @param mirrors - where to turn when a registry refuses or does not answer
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
    "No such image",
    `No registry has ${references.join(" or ")}. Look up the tags of the image, and set \`version\` or \`image\` to one that exists.`,
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
    log(`${reference} is refused (${error.said}): turning to ${mirror}`);
    return await fromMirror(docker, reference, mirror, error, log, signal);
  }
}

const refusals: readonly string[] = ["rate-limited", "registry-unreachable"];

/** Where both places fail, the first failure is the one to act on; the second is told with it. */
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
    "The image can't be pulled",
    `${reference}: ${refusal.message}\n${mirror}, tried in its place: ${reason ? reason.said : "does not exist there"}`,
    { cause: refusal },
  );
}

/** The same image at the second registry: `hashicorp/consul:1.20` and `docker.io/hashicorp/…` too. */
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
        log(error.said);
        if (retriesLeft > 0) log("Trying again in a moment");
      },
    });
  } catch (error) {
    if (!(error instanceof DockerError) || error.failure !== "not-found") throw error;
    log(`${reference} does not exist`);
    return undefined;
  }
  return docker.image(reference);
}
