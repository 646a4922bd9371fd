import { parseTar } from "nanotar";
import { securityFolder } from "./agent-config.ts";
import type { Credentials } from "./consul.ts";
import type { Docker } from "./docker.ts";

/**
 * What it takes to talk with a cluster that another step started, found in one of its servers'
 * containers. Nobody else keeps it: whoever may use the engine may read it there.
 *
 * @param container - of any server of the cluster, running or not
 */
export async function credentialsIn(docker: Docker, container: string): Promise<Credentials> {
  const archive = await docker.getArchive(container, securityFolder);
  const files = archive ? parseTar(archive) : [];
  const textOf = (name: string) => files.find((file) => file.name.endsWith(`/${name}`))?.text;
  const ca = textOf("ca.pem");
  const token = textOf("token");
  return { scheme: ca ? "https" : "http", ...(ca && { ca }), ...(token && { token }) };
}
