/** The images that a cluster needs. */
import { findImage, type Puller } from "../docker/find-image.ts";
import type { Image } from "../docker/image-reference.ts";
import type { ClusterSpec } from "../inputs/cluster-spec.ts";
import { withScope } from "../runner/scope.ts";

/** The images of a cluster's nodes. */
export interface ClusterImages {
  /** Of every node without its own. */
  readonly image: Image;
  /** By node name. */
  readonly ofNodes: ReadonlyMap<string, Image>;
}

/**
 * Finds or pulls every image that the cluster needs, all at once and each once.
 *
 * @throws ActionError as `findImage` does
 */
export function findImages(
  puller: Puller,
  { images, nodes, pull }: Pick<ClusterSpec, "images" | "nodes" | "pull">,
): Promise<ClusterImages> {
  return withScope(puller.signal, async ({ signal, start }) => {
    const scoped = { ...puller, docker: puller.docker.within(signal), signal };
    const searches = new Map<string, Promise<Image>>();
    const find = (references: readonly string[]) => {
      const key = references.join();
      const search = searches.get(key) ?? start(findImage(scoped, { images: references, pull }));
      searches.set(key, search);
      return search;
    };
    const ofNodes = [...nodes].filter(([, own]) => own.images.length > 0);
    const [image, ...found] = await Promise.all([
      find(images),
      ...ofNodes.map(async ([node, own]) => [node, await find(own.images)] as const),
    ]);
    return { image, ofNodes: new Map(found) };
  });
}

/** Each image once. */
export const distinctImages = ({ image, ofNodes }: ClusterImages): Image[] => [
  ...new Map([image, ...ofNodes.values()].map((each) => [each.reference, each])).values(),
];
