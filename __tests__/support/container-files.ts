/** Files in a container, read through the engine: the image may have a shell and no other tools. */
import { type ParsedTarFileItem, parseTar } from "nanotar";
import { run } from "./engine.ts";

/** @returns a file, or a folder with all that is in it, named as below the folder's parent */
export async function filesIn(container: string, path: string): Promise<ParsedTarFileItem[]> {
  const args = ["cp", `${container}:${path}`, "-"];
  const { stdout } = await run("docker", args, { encoding: "buffer", maxBuffer: 2 ** 28 });
  // A copy, since the parser reads the whole buffer that holds a Buffer.
  return parseTar(Uint8Array.from(stdout));
}

/** @returns the text of one file */
export async function textIn(container: string, path: string): Promise<string> {
  const [file] = await filesIn(container, path);
  if (file === undefined) throw new Error(`${container} has no file ${path}`);
  return file.text;
}
