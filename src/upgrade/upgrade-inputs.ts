import * as z from "zod";
import { type ImageReference, parseImage, tagPattern } from "../docker/image-reference.ts";
import { InputError, type Problem } from "../errors.ts";
import { versionMistake } from "../inputs/consul-tag.ts";
import {
  clusterInput,
  defaultsOf,
  flag,
  hints,
  readValidInputs,
  timeout,
} from "../inputs/input-schema.ts";
import { candidates } from "../inputs/inputs.ts";

/** The inputs of an upgrade. */
export interface UpgradeSpec {
  /** A tag; empty if the image has one. */
  readonly version: string;
  /** Tags of the versions to upgrade to on the way, one after another. */
  readonly via: readonly string[];
  /** Undefined for the repository that the cluster already runs. */
  readonly image: ImageReference | undefined;
  readonly cluster: string;
  readonly force: boolean;
  /** Milliseconds, for each node. */
  readonly timeout: number;
}

const image = z.string().transform((text, context): ImageReference | undefined => {
  if (text === "") return undefined;
  const reference = parseImage(text);
  if (reference) return reference;
  context.addIssue("not an image reference");
  return z.NEVER;
});

const via = z.string().transform((text, context): string[] => {
  const tags = text.split(/[\s,]+/).filter((tag) => tag !== "");
  for (const tag of tags.filter((each) => !tagPattern.test(each)))
    context.addIssue(`not a tag: ${JSON.stringify(tag)}`);
  for (const tag of new Set(tags.filter((each, index) => tags.indexOf(each) !== index)))
    context.addIssue(`${tag} twice`);
  return tags;
});

/** Every input, in the order of upgrade/action.yml. */
const inputs = z.object({
  version: z
    .string()
    .refine((text) => text === "" || tagPattern.test(text))
    .register(hints, {
      default: "",
      allowed: "a tag of the Consul image",
      example: "1.22",
    }),
  via: via.register(hints, {
    default: "",
    allowed: "a list of tags of the Consul image, separated by commas, each once, or empty",
    example: "1.20, 1.22",
  }),
  image: image.register(hints, {
    default: "",
    allowed:
      "an image reference, [registry[:port]/]repository[:tag][@sha256:digest], or empty for the repository that the cluster runs",
    example: "hashicorp/consul",
  }),
  cluster: clusterInput,
  force: flag(false),
  timeout,
});

/** Every input's default, as the runner's string. */
export const upgradeInputDefaults = defaultsOf(inputs);

/** @throws InputError with all problems */
export function parseUpgradeInputs(read: (name: string) => string): UpgradeSpec {
  const values = readValidInputs(inputs, read);
  const { version, image } = values;
  const fixed = image?.tag ?? image?.digest;
  if ((version === "") === (fixed === undefined)) {
    const message = `Set either \`version\` (now "${version}") or \`image\` with a tag or digest (now ${fixed ? `with "${fixed}"` : "without"}), not both. For example: \`version: "1.22"\`.`;
    throw new InputError([{ input: "version", message }]);
  }
  return values;
}

/**
 * The images to upgrade to: those of `via`, then the wanted one.
 *
 * @param current - the image that the cluster runs now
 * @returns for each, the references to try, in this order
 */
export function upgradeImages(spec: UpgradeSpec, current: string): string[][] {
  const { version, via } = spec;
  const reference = wantedImage(spec, current);
  if (!reference) return [];
  const { repository } = reference;
  return [...via.map((tag) => candidates({ repository }, tag)), candidates(reference, version)];
}

/**
 * Versions that the image can't have, by the form of their tags.
 *
 * @param current - the image that the cluster runs now
 */
export function wrongVersions(spec: UpgradeSpec, current: string): Problem[] {
  const reference = wantedImage(spec, current);
  if (!reference) return [];
  const written = [
    ...spec.via.map((tag) => ({ input: "via", tag })),
    ...(spec.version === "" ? [] : [{ input: "version", tag: spec.version }]),
  ];
  return written.flatMap(({ input, tag }) => {
    const mistake = versionMistake(reference.repository, tag);
    return mistake ? [{ input, message: `Input \`${input}\` ${mistake}` }] : [];
  });
}

/** The image to upgrade to, without the version that is wanted. */
function wantedImage({ image }: UpgradeSpec, current: string): ImageReference | undefined {
  if (image) return image;
  const running = parseImage(current)?.repository;
  // Docker Hub has early versions only under the older name, and new ones only under the other.
  const own = running === "consul" ? "hashicorp/consul" : running;
  return own === undefined ? undefined : { repository: own };
}
