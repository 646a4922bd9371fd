/** Programs that change a node's network: those of its image, of the engine's machine, or of another image. */
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { logTimed } from "../runner/log.ts";

/** A container in which programs run. */
export interface Place {
  readonly image: string;
  /** More options of `docker run`. */
  readonly options: readonly string[];
  /** For `sh`: defines `has`, and the programs if they are not found by their names. */
  readonly prelude: string;
}

/** What a container needs to change the network that it is in. */
export const rights = ["--cap-add=NET_ADMIN", "--user=0"];

/** The files of the engine's machine, without the right to write to them. */
export const engineFiles = [
  "--mount=type=bind,source=/,destination=/engine,readonly",
  // Programs of the machine, even if SELinux keeps them from containers.
  "--security-opt=label=disable",
  "--env=PATH=/usr/sbin:/usr/bin:/sbin:/bin",
];

const own = 'has() { command -v "$1" >/dev/null 2>&1; }';

/**
 * By the shell of the machine, since BusyBox's `chroot` prefers BusyBox's own programs. Older iptables locks
 * a file, which needs no name of its own: nothing else changes this network.
 */
const fromEngine = `
has() { chroot /engine /bin/sh -c 'command -v "$1" >/dev/null 2>&1' sh "$1"; }
there() { chroot /engine /bin/sh -c 'exec "$@"' sh "$@"; }
ip() { there ip "$@"; }
tc() { there tc "$@"; }
iptables() { XTABLES_LOCKFILE=/dev/null there iptables "$@"; }
`;

/**
 * Where to look for programs, in this order.
 *
 * @param toolsImage - comes first, and is pulled if it is not local; empty for none
 */
export async function placesFor(
  docker: Docker,
  { Config: { Image } }: ContainerFacts,
  toolsImage: string,
): Promise<Place[]> {
  const isLocal = toolsImage === "" || (await docker.image(toolsImage)) !== undefined;
  if (!isLocal) await docker.pull(toolsImage, logTimed);
  return [
    ...(toolsImage === "" ? [] : [{ image: toolsImage, options: [], prelude: own }]),
    { image: Image, options: [], prelude: own },
    { image: Image, options: engineFiles, prelude: fromEngine },
  ];
}

/** A script for `sh`, with a place's programs. */
export interface Script {
  /** As `docker run --network` takes it. */
  readonly network: string;
  readonly script: string;
  readonly args: readonly string[];
}

/** @returns what the script prints. @throws DockerError if a command of it fails */
export function run(
  docker: Docker,
  place: Place,
  { network, script, args }: Script,
): Promise<string> {
  const options = [`--network=${network}`, ...place.options, ...rights, "--entrypoint=sh"];
  const command = ["-ec", `${place.prelude}\n${script}`, "sh", ...args];
  return docker.runToEnd([...options, place.image, ...command]);
}
