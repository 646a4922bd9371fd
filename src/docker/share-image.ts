/** Giving an image that one engine has to others. */
import { ActionError } from "../errors.ts";
import type { LocalImage } from "./answers.ts";
import { DockerError, isNotFound } from "./docker-error.ts";
import type { Engine } from "./engine.ts";
import type { SharingTerms } from "./image-reference.ts";

/** One of several engines, and the name of its docker context. */
interface Member {
  readonly name: string;
  readonly engine: Engine;
}

/** An ID of an image, which registries don't know. */
const imageId = /^(sha256:)?[0-9a-f]{64}$/;

/** What is shared, and between whom. */
interface Share {
  /** A name of the image, or its ID. */
  readonly reference: string;
  /** The engine that has it. */
  readonly source: Member;
  readonly others: readonly Member[];
}

/**
 * Makes sure that engines have the same image as the one that has it, all at once. Each pulls it, if the
 * image is a registry's; one that can't gets a copy.
 *
 * @throws ActionError if an engine of another platform can't pull it: a copy would be of no use there
 */
export async function shareImage(share: Share, terms: SharingTerms): Promise<void> {
  const wanted = await share.source.engine.imageDefaults(share.reference);
  let saved: Promise<Uint8Array> | undefined;
  const copyOf = () => {
    saved ??= share.source.engine.saveImage(share.reference);
    return saved;
  };
  await Promise.all(
    share.others.map(async (member) => {
      const { name, engine } = member;
      if (isSame(await imageOf(engine, share.reference), wanted)) return;
      const pulled = await pull(member, share, { ...terms, wanted });
      if (pulled && (isSame(pulled, wanted) || pulled.platform !== wanted.platform)) return;
      const { platform } = await engine.engineFacts();
      if (platform !== wanted.platform) throw otherPlatform(share, name, { platform, wanted });
      terms.log(`${name} gets ${share.reference} from ${share.source.name}`);
      await engine.loadImage(await copyOf());
    }),
  );
}

/** @returns undefined if the engine does not have it */
async function imageOf(engine: Engine, reference: string): Promise<LocalImage | undefined> {
  try {
    return await engine.imageDefaults(reference);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** By an ID that all engines would have, or one that registries have. */
const isSame = (image: LocalImage | undefined, { id, digests }: LocalImage) =>
  image !== undefined && (image.id === id || image.digests.some((each) => digests.includes(each)));

/**
 * Pulls an image that a registry has.
 *
 * @returns what the engine has then; undefined if it was not asked for, or not there
 */
async function pull(
  { name, engine }: Member,
  { reference }: Share,
  { log, isNeverPulled, wanted }: SharingTerms & { readonly wanted: LocalImage },
): Promise<LocalImage | undefined> {
  const isOfRegistry = wanted.digests.length > 0 && !imageId.test(reference);
  if (isNeverPulled || !isOfRegistry) return undefined;
  try {
    await engine.pull(reference, (line) => log(`${name}: ${line}`));
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    log(`${name} can't pull ${reference}: ${error.said}`);
    return undefined;
  }
  return imageOf(engine, reference);
}

function otherPlatform(
  { reference, source }: Share,
  name: string,
  { platform, wanted }: { readonly platform: string; readonly wanted: LocalImage },
): ActionError {
  const message = `The engine of the docker context "${name}" runs on ${platform}, and did not pull ${reference}. What "${source.name}" has is for ${wanted.platform}. Pull the image there in an earlier step (\`docker --context=${name} pull ${reference}\`), or use engines of one platform.`;
  return new ActionError("No image for an engine", message);
}
