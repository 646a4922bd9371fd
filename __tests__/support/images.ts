/** Images made from the one under test: with another version number, or with a script as `consul`. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createTar } from "nanotar";
import {
  threeVersions as threeVersionsOf,
  twoVersions as twoVersionsOf,
  type VersionedImage,
} from "../../script/engine/versions.ts";
import { testImage } from "./engine.ts";

export type { VersionedImage };

/** The image under test and its other version, the older first. */
export const twoVersions = (): Promise<[older: VersionedImage, newer: VersionedImage]> =>
  twoVersionsOf(testImage());

/** The image under test and two other versions of it in one repository, the oldest first. */
export const threeVersions = (): Promise<VersionedImage[]> => threeVersionsOf(testImage());

/** A version as agents write it into their member tag `build`: `2.1.0dev` for 2.1.0-dev. */
export const tagged = (version: string) => version.replace("-", "");

/**
 * An image like the one under test, whose `consul` is this script.
 *
 * @param more - more instructions of its Dockerfile
 */
export function imageWithScript(
  name: string,
  base: string,
  script: string,
  more: readonly Instruction[] = [],
): Promise<string> {
  return imageFrom(name, base, [
    "USER root",
    // Another name for the shell, which no machine outside the image has.
    `COPY --from=${baseStage} /bin/sh /consul/sh`,
    programIn("/usr/local/bin/consul", script),
    ...more,
  ]);
}

/** The same version in another image, to which an upgrade replaces a node. */
export const rebuilt = (base: string): Promise<string> =>
  imageFrom("rebuilt", base, ["LABEL rebuilt=yes"]);

/** The same Consul in an image whose label names this version. */
export const imageWithVersion = (version: string): Promise<string> =>
  imageFrom("labeled", testImage(), [`LABEL org.opencontainers.image.version=${version}`]);

/** The image that another one is made from, in its Dockerfile. */
const baseStage = "base";

/** A file of an image, which everyone may run. */
interface Program {
  readonly path: string;
  readonly script: string;
}

const programIn = (path: string, script: string): Program => ({ path, script });

/** Agent configuration in a folder that only CONSUL_CONFIG_DIR names. */
const ownFolder = programIn("/etc/app/agent.json", '{"node_meta": {"folder": "yes"}}');

/**
 * An image like the one under test, whose entrypoint ignores these variables, as those of older
 * official images do (hashicorp/docker-consul, history of 0.X/docker-entrypoint.sh).
 */
export function imageThatIgnores(name: string, variables: readonly string[]): Promise<string> {
  const script = `#!/bin/sh\nunset ${["NONE", ...variables].join(" ")}\nexec docker-entrypoint.sh "$@"\n`;
  return imageFrom(name, testImage(), [
    ownFolder,
    programIn("/usr/local/bin/old-entrypoint", script),
    'ENTRYPOINT ["old-entrypoint"]',
  ]);
}

/**
 * An image like the official one with `-ubi` in the tag (hashicorp/docker-consul, ubi): without `ip`
 * and with an entrypoint for a user without rights.
 */
export function ubiImage(): Promise<string> {
  return imageFrom("ubi", testImage(), [
    ownFolder,
    "RUN rm -f /bin/ip /sbin/ip /usr/sbin/ip",
    programIn("/tmp/rename-ip", renameIp),
    "RUN sh /tmp/rename-ip && rm /tmp/rename-ip",
    "RUN ! command -v ip",
    programIn("/usr/local/bin/docker-entrypoint.sh", ubiEntrypoint),
    'ENTRYPOINT ["docker-entrypoint.sh"]',
    "USER 100",
  ]);
}

/**
 * A BusyBox may run its own `ip` whatever files exist, so its list of names gets another one. In that
 * list, names that start with `ip` come next.
 */
const renameIp = `set -e
cp /bin/busybox /tmp/busybox
at=$(strings -n 2 -t d /tmp/busybox | awk '$2 ~ /^ip./ && last == "ip" { print at; exit } { last = $2; at = $1 }')
if [ -n "$at" ]; then printf iq | dd of=/tmp/busybox bs=1 seek="$at" conv=notrunc 2>/dev/null; fi
mv /tmp/busybox /bin/busybox
`;

const ubiEntrypoint = `#!/bin/sh
set -e
address_of() {
  address=$(ip -o -4 addr list "$1" | awk '{ sub("/.*", "", $4); print $4; exit }')
  if [ -z "$address" ]; then echo "Could not find IP for interface '$1'"; exit 1; fi
}
bind= client=
if [ -n "$CONSUL_BIND_INTERFACE" ]; then
  address_of "$CONSUL_BIND_INTERFACE"
  bind=-bind=$address
fi
if [ -n "$CONSUL_CLIENT_INTERFACE" ]; then
  address_of "$CONSUL_CLIENT_INTERFACE"
  client=-client=$address
fi
if [ -n "$CONSUL_LOCAL_CONFIG" ]; then echo "$CONSUL_LOCAL_CONFIG" >/consul/config/local.json; fi
case "$1" in
  agent)
    shift
    set -- consul agent -data-dir=/consul/data -config-dir=/consul/config $bind $client "$@"
    ;;
  *) set -- consul "$@" ;;
esac
exec "$@"
`;

/** A line of a Dockerfile, or a file to copy. */
type Instruction = string | Program;

/**
 * An image from instructions of a Dockerfile, without any file of this machine, and without programs
 * of the image unless an instruction runs them.
 */
async function imageFrom(
  name: string,
  base: string,
  instructions: readonly Instruction[],
): Promise<string> {
  const programs = instructions.filter((each) => typeof each !== "string");
  const lines = instructions.map((each) =>
    typeof each === "string" ? each : `COPY program-${programs.indexOf(each)} ${each.path}`,
  );
  const stages = [`FROM ${base} AS ${baseStage}`, `FROM ${baseStage}`];
  const files = [
    { name: "Dockerfile", data: [...stages, ...lines].join("\n") },
    ...programs.map(({ script }, index) => ({ name: `program-${index}`, data: script })),
  ];
  // The same content has the same tag, so test runs that share an engine may share the image.
  const digest = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 12);
  const context = createTar(files, { attrs: { mode: "755", mtime: 0, uid: 0, gid: 0 } });
  const image = `consul-cluster-action/test-${name}:${digest}`;
  await new Promise<void>((resolve, reject) => {
    const child = spawn("docker", ["build", "--quiet", "--network=none", `--tag=${image}`, "-"], {
      env: { ...process.env, DOCKER_BUILDKIT: "0" },
      stdio: ["pipe", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(said))));
    child.stdin.end(context);
  });
  return image;
}
