/** What an engine knows of the images it has. */
import { imageAnswer, imageDefaultsAnswer, type LocalImage, parseAnswer } from "./answers.ts";
import type { Cli } from "./cli.ts";
import type { Image } from "./image-reference.ts";

/** @returns the local image of that name, or undefined if there is none */
export async function localImage(cli: Cli, reference: string): Promise<Image | undefined> {
  const answer = await cli.unlessMissing(cli.run(["image", "inspect", reference]));
  if (answer === undefined) return undefined;
  const [image] = parseAnswer(imageAnswer, "image inspect", answer);
  const { Labels, Entrypoint: entrypoint } = image.Config;
  const version = Labels?.["org.opencontainers.image.version"];
  return { reference, ...(version && { version }), ...(entrypoint && { entrypoint }) };
}

/** What an image sets for every container of it. */
export async function defaultsOfImage(cli: Cli, reference: string): Promise<LocalImage> {
  const answer = await cli.run(["image", "inspect", reference]);
  const [image] = parseAnswer(imageDefaultsAnswer, "image inspect", answer);
  const { Id: id, Config, RepoDigests, Os, Architecture } = image;
  const digests = (RepoDigests ?? []).map((name) => name.slice(name.indexOf("@") + 1));
  const platform = `${Os}/${Architecture}`;
  return { id, env: Config.Env ?? [], labels: Config.Labels ?? {}, digests, platform };
}

/** The platform of a local image: `linux/amd64`. */
export async function platformOfImage(cli: Cli, reference: string): Promise<string> {
  const format = "--format={{.Os}}/{{.Architecture}}";
  return (await cli.run(["image", "inspect", format, reference])).trim();
}

/** An image, as `docker save` writes it. */
export async function saveImage(cli: Cli, reference: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  await cli.run(["save", reference], { onBytes: (bytes) => chunks.push(bytes) });
  return Buffer.concat(chunks);
}
