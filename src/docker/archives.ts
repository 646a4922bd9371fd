import type { Cli } from "./cli.ts";

/** @returns a folder of a container as a tar archive; undefined if there is no such folder */
export async function getArchive(
  cli: Cli,
  container: string,
  folder: string,
): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  const copy = cli.run(["cp", `${container}:${folder}`, "-"], {
    onBytes: (bytes) => chunks.push(bytes),
  });
  // A copy, since parsers of archives read the whole buffer that holds a Buffer.
  const isThere = (await cli.unlessMissing(copy)) !== undefined;
  return isThere ? Uint8Array.from(Buffer.concat(chunks)) : undefined;
}
