import { type Image, parseImage, shortName } from "../docker/image-reference.ts";
import { shown } from "./wording.ts";

/** Repositories of Consul's two editions on Docker Hub. */
export const communityImage = "hashicorp/consul";
export const enterpriseImage = "hashicorp/consul-enterprise";

/** A version alone, or with the base of the image. */
const plainTag = /^(?<version>\d+\.\d+(?:\.\d+)?)(?<base>-ubi)?$/;

/**
 * The tag that a version has in a repository. The image of Consul Enterprise has them with `-ent`: of
 * `1.22` and `1.22-ubi`, `1.22-ent` and `1.22-ent-ubi`. A tag in any other form is left as it is.
 */
export function tagFor(repository: string, version: string): string {
  const name = shortName(repository);
  const isEnterprise = [enterpriseImage, `public.ecr.aws/${enterpriseImage}`].includes(name);
  const groups = isEnterprise ? plainTag.exec(version)?.groups : undefined;
  return groups ? `${groups.version}-ent${groups.base ?? ""}` : version;
}

const communityRepositories: readonly string[] = [
  "consul",
  communityImage,
  "public.ecr.aws/docker/library/consul",
  `public.ecr.aws/${communityImage}`,
];

/**
 * Repositories with Consul's own images, whose tags are versions. A tag of any other image may be
 * anything.
 */
const ownRepositories: readonly string[] = [
  ...communityRepositories,
  enterpriseImage,
  `public.ecr.aws/${enterpriseImage}`,
];

/** A release, and a tag that names one or the newest of a minor version. */
const release = /^\d+\.\d+\.\d+$/;
const releaseTag = /^\d+\.\d+(?:\.\d+)?$/;

/**
 * The release that an image contains, if that is certain without a container of it: it has HashiCorp's own
 * name of the community edition and a tag that names a release, or the newest of a minor version that its
 * label then names.
 *
 * @returns undefined for all others: tags of other images mean what their makers like, labels may be those
 *   of the image that it was built from, and a reference with a digest does not follow its tag
 */
export function namedRelease({ reference, version }: Image): string | undefined {
  const { repository = "", tag = "", digest } = parseImage(reference) ?? {};
  if (!communityRepositories.includes(shortName(repository)) || digest) return undefined;
  if (!releaseTag.test(tag)) return undefined;
  const named = version ?? tag;
  return release.test(named) && `${named}.`.startsWith(`${tag}.`) ? named : undefined;
}

/** What is wrong with a version. */
interface Mistake {
  readonly why: string;
  /** The tag that was most likely meant. */
  readonly meant?: string;
}

/** How versions are written elsewhere, and how a tag says the same. */
const mistakes: readonly (readonly [RegExp, (match: readonly string[]) => Mistake])[] = [
  [
    /^[vV](\d.*)$/,
    ([, rest = ""]) => {
      const more = mistakeIn(rest);
      const why = `a tag has no "v"${more ? `, and ${more.why}` : ""}`;
      return { meant: rest, ...more, why };
    },
  ],
  [
    /^(\d+\.\d+)\.[xX*]$/,
    ([, minor = ""]) => {
      const more = mistakeIn(minor);
      const why = more?.why ?? `a tag has no wildcard, and \`${minor}\` is the newest ${minor}`;
      return { meant: minor, ...more, why };
    },
  ],
  [
    /^\d+\.[xX*]$/,
    () => ({
      why: "a tag has no wildcard: `1.22` is the newest 1.22, and `latest` the newest of all",
    }),
  ],
  [
    /^(?:\^|~>?|[<>]=?|==?) *v?(\d+(?:\.\d+)?).*$/,
    ([, minor = ""]) => ({
      why: `a tag is one version, not a range: \`${minor}\` is the newest ${minor}, and \`latest\` the newest of all`,
      meant: minor,
    }),
  ],
  [
    /^1\.([12])$/,
    ([tag = "", minor = ""]) => ({
      why: `Consul ${tag} is older than 1.4, the first that works, and YAML reads 1.${minor}0 without quotes as the number ${tag}`,
      meant: `1.${minor}0`,
    }),
  ],
  [
    /^(0\.\d+|1\.[0-3])(?:\.\d+)?$/,
    ([, minor = ""]) => ({ why: `Consul ${minor} is older than 1.4, the first that works` }),
  ],
];

function mistakeIn(version: string): Mistake | undefined {
  for (const [pattern, describe] of mistakes) {
    const match = pattern.exec(version);
    if (match) return describe(match);
  }
  return undefined;
}

/**
 * What is wrong with a version that can't be a tag of Consul's own image, and what was meant, as the end
 * of a sentence that names it. Known without asking a registry.
 *
 * @param repository - of the image
 * @returns undefined if it may be a tag, or if the image is another one
 */
export function versionMistake(repository: string, version: string): string | undefined {
  const own = shortName(repository);
  if (!ownRepositories.includes(own)) return undefined;
  const mistake = mistakeIn(version);
  if (mistake === undefined) return undefined;
  const { why, meant } = mistake;
  const advice = meant === undefined ? "" : ` Did you mean ${shown(meant)}?`;
  return `is ${shown(version)}, which can't be used with ${own}: ${why}.${advice}`;
}
