/** Broken surroundings: an engine that goes away, or denies access; and a cluster that never forms. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export { engineProxy } from "../../script/engine/proxy.ts";

/**
 * Inputs for servers that see each other and never elect a leader: each refuses the others'
 * certificates, which name Consul's usual domain.
 */
export const neverLed = { servers: "3", tls: "true", config: 'domain = "elsewhere"' };

export function scratch(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "failure-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** An environment whose `docker` is the real CLI, run as a user without permission for its socket. */
export async function deniedEngine() {
  const { folder, remove } = scratch();
  const socket = join(folder, "docker.sock");
  const server = createServer().listen(socket);
  await once(server, "listening");
  chmodSync(socket, 0);
  chmodSync(folder, 0o755);
  const cli = execFileSync("sh", ["-c", "command -v docker"], { encoding: "utf8" }).trim();
  // Root may use any socket, so the CLI drops root's capabilities.
  const drop = process.getuid?.() === 0 ? "setpriv --reuid=65534 --clear-groups " : "";
  const wrapper = join(folder, "docker");
  writeFileSync(wrapper, `#!/bin/sh\nexport HOME=/nonexistent\nexec ${drop}${cli} "$@"\n`, {
    mode: 0o755,
  });
  const stop = () => {
    server.close();
    remove();
  };
  return { env: { PATH: `${folder}:${process.env.PATH}`, DOCKER_HOST: `unix://${socket}` }, stop };
}

/**
 * A folder with a `docker` that gives the real CLI an unknown word in place of `host-gateway`: the CLI
 * refuses it in the words of engines that don't know the real one.
 */
export function dockerWithoutHostGateway() {
  const { folder, remove } = scratch();
  const cli = execFileSync("sh", ["-c", "command -v docker"], { encoding: "utf8" }).trim();
  const other = `case "$each" in *:host-gateway) each="$each!" ;; esac`;
  const script = `#!/bin/sh\nfor each do shift; ${other}; set -- "$@" "$each"; done\nexec ${cli} "$@"\n`;
  writeFileSync(join(folder, "docker"), script, { mode: 0o755 });
  return { env: { PATH: `${folder}:${process.env.PATH}` }, remove };
}

/**
 * A folder with a `docker` that is a shell script around the real CLI, which runs as its child and
 * holds its pipes. It can be told to let every `docker ps` hang.
 */
export function wrappedDocker() {
  const { folder, remove } = scratch();
  const cli = execFileSync("sh", ["-c", "command -v docker"], { encoding: "utf8" }).trim();
  const hung = join(folder, "hung");
  const hang = `if [ "$1" = ps ]; then sh -c 'while [ -e "${hung}" ]; do sleep 0.2; done'; fi`;
  const script = `#!/bin/sh\n${hang}\n${cli} "$@"\nexit $?\n`;
  writeFileSync(join(folder, "docker"), script, { mode: 0o755 });
  return {
    env: { PATH: `${folder}:${process.env.PATH}` },
    hang: () => writeFileSync(hung, ""),
    recover: () => rmSync(hung),
    remove,
  };
}
