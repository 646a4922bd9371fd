import type { Docker } from "../docker/docker.ts";
import { isLocalEndpoint } from "../docker/endpoint.ts";
import { ActionError } from "../errors.ts";
import { remoteAdvice } from "../ready/diagnosis.ts";

/**
 * Checks that `docker` is Docker's CLI. Podman has a package that runs podman under that name, whose
 * answers have other fields.
 *
 * @throws ActionError that says how to use podman's engine
 */
export async function checkCli(docker: Docker): Promise<void> {
  const version = await docker.cliVersion();
  if (!/podman/i.test(version)) return;
  throw new ActionError(
    "`docker` is podman's emulation",
    `\`docker --version\` says "${version}": the \`docker\` on the PATH runs podman's own CLI, which this action does not support. Podman's engine works with Docker's CLI: remove the package podman-docker, install Docker's CLI (package docker-cli or docker-ce-cli), run \`systemctl enable --now podman.socket\`, and set DOCKER_HOST=unix:///run/podman/podman.sock for the job (rootless: \`systemctl --user\`, unix://$XDG_RUNTIME_DIR/podman/podman.sock).`,
  );
}

/** @returns a warning if the engine seems to publish ports on another machine than this one */
export async function remoteWarning(docker: Docker): Promise<string | undefined> {
  const endpoint = await docker.endpoint();
  return isLocalEndpoint(endpoint) ? undefined : remoteAdvice(endpoint);
}
