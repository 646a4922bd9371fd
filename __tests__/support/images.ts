/** Images made from the one under test: with another version number, or with a script as `consul`. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { docker, testImage } from "./engine.ts";

export interface VersionedImage {
  readonly image: string;
  /** What its Consul reports. */
  readonly version: string;
}

/**
 * The image under test, and a copy of it whose Consul reports another version number of the same
 * length. Both are the same program, so the upgrade is tested, not Consul.
 *
 * @returns the older first
 */
export async function twoVersions(): Promise<[older: VersionedImage, newer: VersionedImage]> {
  const image = testImage();
  const said = await docker("run", "--rm", "--network=none", image, "version");
  const [, version = "", start = "", last = ""] = /^Consul v((\d+\.\d+\.\d*)(\d))/.exec(said) ?? [];
  const isLast = last === "9";
  const other = `${start}${Number(last) + (isLast ? -1 : 1)}`;
  const tested = { image, version };
  const made = { image: await imageOf(image, version, other), version: other };
  return isLast ? [made, tested] : [tested, made];
}

/** A copy of this image whose Consul has another version number in place of its own. */
async function imageOf(base: string, version: string, other: string): Promise<string> {
  const id = (await docker("image", "inspect", "--format={{.Id}}", base)).replace(/^.*:/, "");
  const image = `consul-cluster-action/test-version:${other}-${id.slice(0, 12)}`;
  if ((await docker("image", "ls", "--quiet", image)) !== "") return image;
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

/** An image like the one under test, whose `consul` is this script. */
export async function imageWithScript(name: string, base: string, script: string): Promise<string> {
  const encoded = Buffer.from(script).toString("base64");
  const dockerfile = [
    `FROM ${base}`,
    // Another name for the shell, which no machine outside the image has.
    "RUN mkdir -p /usr/local/bin && cp /bin/busybox /consul/sh",
    `RUN echo ${encoded} | base64 -d >/usr/local/bin/consul && chmod 755 /usr/local/bin/consul`,
  ].join("\n");
  // The same content has the same tag, so test runs that share an engine may share the image.
  const digest = createHash("sha256").update(dockerfile).digest("hex").slice(0, 12);
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
    child.stdin.end(dockerfile);
  });
  return image;
}
