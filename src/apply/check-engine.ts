import type { EngineFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { isLocalEndpoint } from "../docker/endpoint.ts";
import { ActionError } from "../errors.ts";
import { remoteAdvice } from "../ready/diagnosis.ts";

/**
 * Checks that the engine can run the cluster, before anything is created.
 *
 * @returns what the engine is
 * @throws ActionError if `docker` is not Docker's CLI, no engine answers, or the engine runs Windows
 *   containers
 */
export async function checkEngine(docker: Docker): Promise<EngineFacts> {
  const engine = await docker.engineFacts().catch(async (error: unknown) => {
    // Podman's CLI has no such answer either. One that works is not asked what it is: that takes time.
    const cli = await docker.cliVersion();
    throw /podman/i.test(cli) ? podmanEmulation(cli) : error;
  });
  if (engine.platform.startsWith("windows/")) throw windowsContainers(engine.platform);
  return engine;
}

/** Podman has a package that runs podman as `docker`, whose answers have other fields. */
const podmanEmulation = (version: string) =>
  new ActionError(
    "`docker` is podman's emulation",
    `\`docker --version\` says "${version}": the \`docker\` on the PATH runs podman's own CLI, which this action does not support. Podman's engine works with Docker's CLI: remove the package podman-docker, install Docker's CLI (package docker-cli or docker-ce-cli), run \`systemctl enable --now podman.socket\`, and set DOCKER_HOST=unix:///run/podman/podman.sock for the job (rootless: \`systemctl --user\`, unix://$XDG_RUNTIME_DIR/podman/podman.sock).`,
  );

const windowsContainers = (platform: string) =>
  new ActionError(
    "The engine runs Windows containers",
    `The Docker engine's platform is ${platform}, and Consul's images are for Linux. Use a Linux runner (\`runs-on: ubuntu-latest\`), or an engine for Linux containers: Docker Desktop ("Switch to Linux containers"), or Docker in WSL 2.`,
  );

/** @returns a warning if the engine seems to publish ports on another machine than this one */
export async function remoteWarning(docker: Docker): Promise<string | undefined> {
  const endpoint = await docker.endpoint();
  return isLocalEndpoint(endpoint) ? undefined : remoteAdvice(endpoint);
}
