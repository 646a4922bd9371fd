import { spawnSync } from "node:child_process";

/** The docker CLI can't be asked. The message says what it said, and what to do. */
export class DockerFailure extends Error {}

/**
 * What a docker command prints.
 *
 * @param env - more environment for the CLI
 * @throws DockerFailure if the command fails
 */
export function docker(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string {
  const options = { encoding: "utf8", env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr, error } = spawnSync("docker", args, options);
  if (status === 0) return stdout;
  const said = error ? error.message : stderr.trim();
  throw new DockerFailure(
    `\`docker ${args[0]}\` failed: ${said}\nInstall Docker, or start its engine: \`docker info\` must succeed.`,
  );
}
