/** The parts of a docker image reference. */
export interface ImageReference {
  /** With the registry, if there is one: `hashicorp/consul`, `localhost:5000/consul`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

const tag = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const label = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
const domain = `(?:localhost|${label}(?:\\.${label})+|${label}(?=:\\d)|\\[[0-9a-fA-F:]+\\])(?::\\d{1,5})?`;

/** A tag alone (distribution/reference, `tag`). */
export const tagPattern = new RegExp(`^${tag}$`);

const referencePattern = new RegExp(
  `^(?<repository>(?:${domain}/)?${component}(?:/${component})*)(?::(?<tag>${tag}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$`,
);

/** Docker's limit on a repository's name (distribution/reference, `NameTotalLengthMax`). */
const maxRepositoryLength = 255;

/**
 * Parses an image reference by the grammar of distribution/reference.
 *
 * @returns the parts, or undefined if it is not a valid reference
 */
export function parseImage(text: string): ImageReference | undefined {
  const { repository, tag, digest } = referencePattern.exec(text)?.groups ?? {};
  if (repository === undefined || repository.length > maxRepositoryLength) return undefined;
  return { repository, ...(tag && { tag }), ...(digest && { digest }) };
}

/** The name that a repository of Docker Hub is known by: `docker.io/library/consul` is `consul`. */
export const shortName = (repository: string) =>
  repository.replace(/^(index\.)?docker\.io\//, "").replace(/^library\//, "");

/** An image on the engine. */
export interface Image {
  /** The reference under which it was found. */
  readonly reference: string;
  /** Consul's version, if the image has the label org.opencontainers.image.version. */
  readonly version?: string;
  /** The program that a container of it starts, with its first arguments. */
  readonly entrypoint?: readonly string[];
}

/** How an image is given to other engines. */
export interface SharingTerms {
  readonly log: (line: string) => void;
  /** Whether no registry is to be asked. */
  readonly isNeverPulled: boolean;
}
