/** The image of a Consul version: on the engine, or from a registry. */
import coerce from "semver/functions/coerce.js";
import compare from "semver/functions/compare.js";
import parse from "semver/functions/parse.js";
import { printedVersion } from "../../src/consul/version-number.ts";
import { Engine } from "../../src/docker/engine.ts";
import { findImage } from "../../src/docker/find-image.ts";
import { parseImage } from "../../src/docker/image-reference.ts";
import { candidates } from "../../src/inputs/inputs.ts";
import { docker } from "../bench/docker.ts";

const official = "hashicorp/consul";

/** Repositories of Consul, in order of preference; the last has the image that the tests build. */
const repositories = [
  official,
  "consul",
  `public.ecr.aws/${official}`,
  "consul-cluster-action/stand-in",
];

/**
 * Pure: the image of a version among those that the engine has. A short version, such as 1.22, is
 * its newest release.
 *
 * @param images - as `repository:tag`
 */
export function imageAmong(images: readonly string[], version: string): string | undefined {
  const fitting = images.flatMap((image) => {
    const { repository = "", tag = "" } = parseImage(image) ?? {};
    const release = parse(tag) ?? coerce(tag);
    const isIt = tag === version || /^[.-]/.test(tag.slice(version.length));
    if (!repositories.includes(repository) || !tag.startsWith(version) || !isIt) return [];
    return [{ image, isExact: tag === version, release: release ?? "0.0.0", repository }];
  });
  const [best] = fitting.toSorted(
    (a, b) =>
      Number(b.isExact) - Number(a.isExact) ||
      compare(b.release, a.release) ||
      repositories.indexOf(a.repository) - repositories.indexOf(b.repository),
  );
  return best?.image;
}

/** @returns the image that the engine has now @throws ActionError that says what was tried */
export async function imageOf(version: string): Promise<string> {
  const listing = await docker("image", "ls", "--format={{.Repository}}:{{.Tag}}");
  const there = imageAmong(listing.split("\n"), version);
  if (there !== undefined) return there;
  const { signal } = new AbortController();
  const puller = { docker: new Engine(signal, () => {}), log: console.log, signal };
  const images = candidates({ repository: official }, version);
  const found = await findImage(puller, { images, pull: "missing" });
  return found.reference;
}

/** The version that an image's Consul reports: `1.22.7`. */
export async function versionOf(image: string): Promise<string> {
  const said = await docker("run", "--rm", "--network=none", image, "version");
  const version = printedVersion(said);
  if (version === undefined) throw new Error(`${image}: \`consul version\` names none: ${said}`);
  return version;
}
