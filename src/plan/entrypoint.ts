/** What an image's entrypoint does with the variables that the official image's entrypoint reads. */
import type { Image } from "../docker/image-reference.ts";
import { imageConfigDirectory, imageDataDirectory } from "../inputs/agent-defaults.ts";
import type { AgentsSpec } from "../inputs/cluster-spec.ts";
import type { Owner } from "./labels.ts";
import { helperArguments } from "./volumes.ts";

/**
 * What an image's entrypoint did in a container like an agent's. Official images differ
 * (hashicorp/docker-consul, history of 0.X/docker-entrypoint.sh and ubi/docker-entrypoint.sh): they
 * read CONSUL_DATA_DIR and CONSUL_CONFIG_DIR since September 2019, CONSUL_UID and CONSUL_GID since
 * September 2021. Those with a tag that ends in `-ubi` read none of the four.
 */
export interface Entrypoint {
  /** The user that it runs Consul as. */
  readonly uid: number;
  readonly gid: number;
  /** Whether it has Consul read the user's CONSUL_CONFIG_DIR. */
  readonly readsConfigDirectory: boolean;
  /** Whether Consul can write to the user's CONSUL_DATA_DIR. */
  readonly ownsDataDirectory: boolean;
}

type Env = AgentsSpec["env"];

/** The agents' data directory. Entrypoints treat an empty variable as unset. */
export const dataDirectory = (env: Env) => env.get("CONSUL_DATA_DIR") || imageDataDirectory;

const configDirectory = (env: Env) => env.get("CONSUL_CONFIG_DIR") || imageConfigDirectory;

/** Whether something depends on the entrypoint. Asking it takes a container, 0.3 s. */
export const dependsOnEntrypoint = ({ env }: AgentsSpec) =>
  dataDirectory(env) !== imageDataDirectory ||
  configDirectory(env) !== imageConfigDirectory ||
  users.some(({ variable }) => env.get(variable));

/** Variables that the action turns into flags, because the image may have no `ip` to read them with. */
const interfaces = ["CONSUL_BIND_INTERFACE", "CONSUL_CLIENT_INTERFACE"];

/**
 * The user's variables for the agents' containers.
 *
 * @param entrypoint - undefined if it was not asked
 */
export function environmentArguments(env: Env, entrypoint: Entrypoint | undefined): string[] {
  // An entrypoint that ignores this folder is told by a flag. After an upgrade the next one would
  // read the variable as well, and Consul the folder twice.
  const asFlag = entrypoint?.readsConfigDirectory === false ? ["CONSUL_CONFIG_DIR"] : [];
  const left = [...env].filter(([name]) => ![...interfaces, ...asFlag].includes(name));
  return left.map(([name, value]) => `--env=${name}=${value}`);
}

/**
 * Flags for what the user asked of the entrypoint. Of a flag that is given twice, Consul takes the
 * last, and the entrypoint's come first. But it reads every `-config-dir`.
 */
export function folderFlags(env: Env, entrypoint: Entrypoint | undefined): string[] {
  const data = dataDirectory(env);
  return [
    ...(data === imageDataDirectory ? [] : [`-data-dir=${data}`]),
    ...(entrypoint?.readsConfigDirectory === false ? [`-config-dir=${configDirectory(env)}`] : []),
  ];
}

/**
 * `docker run` arguments for a container in which the image's entrypoint starts a script in place of
 * Consul. The script prints what it got.
 */
export function questionArguments({ env }: AgentsSpec, image: Image, owner: Owner): string[] {
  return [
    "--network=none",
    ...helperArguments(owner),
    ...environmentArguments(env, undefined),
    "--entrypoint=sh",
    image.reference,
    "-c",
    question,
    "sh",
    inPlaceOfConsul,
    dataDirectory(env),
    configDirectory(env),
    ...(image.entrypoint ?? []),
  ];
}

/**
 * Runs in the container. Its arguments: the script to start as `consul`, data directory,
 * configuration directory, and the image's entrypoint. The folders must exist, since the entrypoint
 * may change their owner. A Consul that the entrypoint starts by its path prints its help and ends.
 */
const question = `
set -e
mkdir /tmp/question
printf '%s' "$1" >/tmp/question/consul
chmod 755 /tmp/question /tmp/question/consul
mkdir -p "$2" "$3" || true
export PATH="/tmp/question:$PATH" QUESTION_DATA_DIR="$2"
shift 3
exec "$@" agent -help
`;

const inPlaceOfConsul = `#!/bin/sh
[ "$1" = agent ] || exit 0
printf '@ uid %s\\n' "$(id -u)"
printf '@ gid %s\\n' "$(id -g)"
if [ -w "$QUESTION_DATA_DIR" ]; then echo '@ writes data'; fi
for argument; do printf '@ argument %s\\n' "$argument"; done
`;

/**
 * @param said - what a container with `questionArguments` printed
 * @returns undefined if the entrypoint did not start the script
 */
export function parseEntrypoint(said: string, { env }: AgentsSpec): Entrypoint | undefined {
  const lines = said.split("\n").flatMap((line) => /^@ (?<fact>.*)/.exec(line)?.groups?.fact ?? []);
  const valuesOf = (name: string) =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const [uid] = valuesOf("uid");
  const [gid] = valuesOf("gid");
  if (!uid || !gid) return undefined;
  const given = valuesOf("argument").map((argument) => argument.replace(/^--?config-dir=/, ""));
  return {
    uid: Number(uid),
    gid: Number(gid),
    readsConfigDirectory: given.includes(configDirectory(env)),
    ownsDataDirectory: valuesOf("writes").includes("data"),
  };
}

const users = [
  { variable: "CONSUL_UID", id: "uid" },
  { variable: "CONSUL_GID", id: "gid" },
] as const;

/**
 * What the user asks for and the entrypoint does not do. No flag can replace it: the entrypoint
 * chooses the user.
 *
 * @returns a message; undefined if it does everything
 */
export function ignoredUser(
  { env }: AgentsSpec,
  entrypoint: Entrypoint,
  image: string,
): string | undefined {
  const ignored = users
    .filter(({ variable, id }) => env.get(variable) && Number(env.get(variable)) !== entrypoint[id])
    .map(({ variable }) => `${variable}=${env.get(variable)}`);
  if (ignored.length === 0) return undefined;
  return `Input \`env\` sets ${ignored.join(" and ")}, but the entrypoint of ${image} runs Consul as user ${entrypoint.uid}, group ${entrypoint.gid} all the same. Omit the variables, or use another image: official ones read them since September 2021, except those with \`-ubi\` in the tag.`;
}
