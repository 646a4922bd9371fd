import { spawn } from "node:child_process";
import { docker } from "../bench/docker.ts";

export interface VersionedImage {
  readonly image: string;
  /** What its Consul reports. */
  readonly version: string;
}

/**
 * An image of Consul, and a copy of it whose Consul reports another version number of the same
 * length. Both are the same program, so the upgrade is tested, not Consul.
 *
 * @returns the older first
 */
export async function twoVersions(
  image: string,
): Promise<[older: VersionedImage, newer: VersionedImage]> {
  const { version, start, last } = await versionOf(image);
  const isLast = last === 9;
  const other = `${start}${last + (isLast ? -1 : 1)}`;
  const tested = { image, version };
  const made = { image: await imageOf(image, version, other), version: other };
  return isLast ? [made, tested] : [tested, made];
}

/**
 * The same with three consecutive numbers, all as tags of one repository.
 *
 * @returns the oldest first
 */
export async function threeVersions(image: string): Promise<VersionedImage[]> {
  const { version, start, last } = await versionOf(image);
  const first = Math.min(last, 7);
  const made: VersionedImage[] = [];
  for (const digit of [first, first + 1, first + 2]) {
    const other = `${start}${digit}`;
    made.push({ image: await imageOf(image, version, other), version: other });
  }
  return made;
}

/** The version number that an image's Consul reports, and its last digit apart. */
async function versionOf(image: string): Promise<{ version: string; start: string; last: number }> {
  const said = await docker("run", "--rm", "--network=none", image, "version");
  const [, version = "", start = "", last = ""] =
    /^Consul v?((\d+\.\d+\.\d*)(\d))/.exec(said) ?? [];
  return { version, start, last: Number(last) };
}

/** A copy of this image whose Consul has this version number in place of its own. */
async function imageOf(base: string, version: string, other: string): Promise<string> {
  const id = (await docker("image", "inspect", "--format={{.Id}}", base)).replace(/^.*:/, "");
  const image = `consul-cluster-action/test-version:${other}-${id.slice(0, 12)}`;
  if ((await docker("image", "ls", "--quiet", image)) !== "") return image;
  if (other === version) {
    await docker("tag", base, image);
    return image;
  }
  const container = await docker("create", "--network=none", base);
  try {
    // An archive keeps owner and mode; its checksums cover headers, not contents.
    const program = await piped(["cp", "--follow-link", `${container}:/bin/consul`, "-"]);
    for (let at = program.indexOf(version); at >= 0; at = program.indexOf(version, at))
      program.write(other, at);
    await piped(["cp", "-", `${container}:/bin`], program);
    await docker("commit", container, image);
  } finally {
    await docker("rm", "--volumes", container);
  }
  return image;
}

/** Runs the docker CLI with binary input and output. */
async function piped(args: readonly string[], input?: Uint8Array): Promise<Buffer> {
  const child = spawn("docker", args, { stdio: ["pipe", "pipe", "inherit"] });
  const parts: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => parts.push(part));
  child.stdin.end(input);
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (exitCode !== 0) throw new Error(`docker ${args.join(" ")} ended with code ${exitCode}`);
  return Buffer.concat(parts);
}
