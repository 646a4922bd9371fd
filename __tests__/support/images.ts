/** Images made from the one under test: with another version number, or with a script as `consul`. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { twoVersions as twoVersionsOf, type VersionedImage } from "../../script/engine/versions.ts";
import { testImage } from "./engine.ts";

export type { VersionedImage };

/** The image under test and its other version, the older first. */
export const twoVersions = (): Promise<[older: VersionedImage, newer: VersionedImage]> =>
  twoVersionsOf(testImage());

/** An image like the one under test, whose `consul` is this script. */
export async function imageWithScript(name: string, base: string, script: string): Promise<string> {
  const write = 'printf %s "$0" >/usr/local/bin/consul && chmod 755 /usr/local/bin/consul';
  const dockerfile = [
    `FROM ${base}`,
    "USER root",
    // Another name for the shell, which no machine outside the image has.
    "RUN mkdir -p /usr/local/bin && cp /bin/sh /consul/sh",
    `RUN ${JSON.stringify(["/bin/sh", "-c", write, script])}`,
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
