/** Every engine needs the images that its agents run. */
import { DockerError } from "../docker/docker-error.ts";
import type { Engines } from "../docker/engines.ts";
import type { Image } from "../docker/image-reference.ts";

/**
 * Gives all other engines the images of the first. Each pulls its own; one that can't gets it from the
 * first.
 */
export async function distributeImages(
  engines: Engines,
  images: readonly Image[],
  log: (line: string) => void,
): Promise<void> {
  const [first, ...others] = engines.members;
  const tasks = others.flatMap(({ name, engine }) =>
    images.map(async ({ reference }) => {
      if (await engine.image(reference)) return;
      try {
        await engine.pull(reference, (line) => log(`${name}: ${line}`));
      } catch (error) {
        if (!(error instanceof DockerError)) throw error;
        log(`${name} can't pull ${reference}, and gets it from ${first.name}`);
        await engine.loadImage(await first.engine.saveImage(reference));
      }
    }),
  );
  await Promise.all(tasks);
}
