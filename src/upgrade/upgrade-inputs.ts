import * as z from "zod";
import { type ImageReference, parseImage, tagPattern } from "../docker/image-reference.ts";
import { InputError } from "../errors.ts";
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

/** @returns the image references to try, in this order, for a cluster that now runs this one */
export function upgradeImages({ version, image }: UpgradeSpec, current: string): string[] {
  const running = parseImage(current);
  const reference = image ?? (running && { repository: running.repository });
  return reference ? candidates(reference, version) : [];
}
