import type { Image } from "../docker/image-reference.ts";
import { namedRelease } from "../inputs/consul-tag.ts";
import type { Software } from "../plan/security-files.ts";
import type { Keys } from "./key-maker.ts";

/**
 * What agents with one of HashiCorp's images run, if that is certain without a container of it. Their
 * Dockerfiles create the user first, "so the IDs get set the same way, even as the rest of this may change":
 * 100 and 1000 since the first (hashicorp/docker-consul, 0.X/Dockerfile; hashicorp/consul, Dockerfile). Those
 * with a tag that ends in `-ubi` are not among them.
 */
export function officialSoftware(image: Image): Software | undefined {
  const version = namedRelease(image);
  return version === undefined ? undefined : { version, owner: { uid: 100, gid: 1000 } };
}

/** The same, as the image's own tools would say it. */
export function officialKeys(image: Image): Keys | undefined {
  const software = officialSoftware(image);
  if (!software) return undefined;
  const { version, owner } = software;
  return new Map([
    ["version", `Consul v${version}`],
    ["uid", `${owner.uid}`],
    ["gid", `${owner.gid}`],
  ]);
}
