import { spawn } from "node:child_process";
import { docker } from "../bench/docker.ts";

export interface VersionedImage {
  readonly image: string;
  /** What its Consul reports, without build metadata: `1.8.7`, `2.1.0-dev`. */
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
  const reported = await reportedBy(image);
  const { last } = reported;
  const isLast = last === 9;
  const tested = { image, version: numbered(reported, last) };
  const made = await copyOf(image, reported, last + (isLast ? -1 : 1));
  return isLast ? [made, tested] : [tested, made];
}

/**
 * The same with three consecutive numbers, all as tags of one repository.
 *
 * @returns the oldest first
 */
export async function threeVersions(image: string): Promise<VersionedImage[]> {
  const reported = await reportedBy(image);
  const first = Math.min(reported.last, 7);
  const made: VersionedImage[] = [];
  for (const digit of [first, first + 1, first + 2])
    made.push(await copyOf(image, reported, digit));
  return made;
}

/** The version that an image's Consul reports, as the parts around the last digit of its release. */
interface Reported {
  readonly start: string;
  readonly last: number;
  /** `-dev` of `2.1.0-dev`, or empty. Most versions keep it apart from the release in the program. */
  readonly prerelease: string;
}

const numbered = ({ start, prerelease }: Reported, digit: number) =>
  `${start}${digit}${prerelease}`;

async function reportedBy(image: string): Promise<Reported> {
  const said = await docker("run", "--rm", "--network=none", image, "version");
  const [, start, last, prerelease = ""] =
    /^Consul v?(\d+\.\d+\.\d*)(\d)(-[\w.-]+)?/.exec(said) ?? [];
  if (start === undefined) throw new Error(`${image} says: ${said}`);
  return { start, last: Number(last), prerelease };
}

/** A copy of this image whose Consul has this last digit of its release in place of its own. */
async function copyOf(base: string, reported: Reported, digit: number): Promise<VersionedImage> {
  const id = (await docker("image", "inspect", "--format={{.Id}}", base)).replace(/^.*:/, "");
  const version = numbered(reported, digit);
  const image = `consul-cluster-action/test-version:${version}-${id.slice(0, 12)}`;
  const copy = { image, version };
  if ((await docker("image", "ls", "--quiet", image)) !== "") return copy;
  if (digit === reported.last) {
    await docker("tag", base, image);
    return copy;
  }
  const container = await docker("create", "--network=none", base);
  try {
    // An archive keeps owner and mode; its checksums cover headers, not contents.
    const program = await piped(["cp", "--follow-link", `${container}:/bin/consul`, "-"]);
    const old = `${reported.start}${reported.last}`;
    for (let at = program.indexOf(old); at >= 0; at = program.indexOf(old, at))
      program.write(`${reported.start}${digit}`, at);
    await piped(["cp", "-", `${container}:/bin`], program);
    await docker("commit", container, image);
  } finally {
    await docker("rm", "--volumes", container);
  }
  return copy;
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
