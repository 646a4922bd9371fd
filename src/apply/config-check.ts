import { DockerError } from "../docker/docker-error.ts";
import type { Image } from "../docker/image-reference.ts";
import { InputError, messageOf } from "../errors.ts";
import { agentPorts } from "../inputs/agent-defaults.ts";
import type { ClusterSpec } from "../inputs/cluster-spec.ts";
import type { Owner } from "../plan/labels.ts";
import { networkName } from "../plan/plan.ts";
import { helperArguments } from "../plan/volumes.ts";
import type { StartContext } from "./start-context.ts";

/** What every agent's configuration needs. The user's comes after it and overrides it, as in an agent. */
const base = `data_dir = "/tmp" bind_addr = "127.0.0.1" server = true bootstrap_expect = 3 ports { grpc = ${agentPorts.grpc} }`;

/** Contains nothing from the user: their configuration is read from standard input. */
const script = `printf '%s' '${base}' > /tmp/base.hcl && exec consul validate -config-format=hcl /tmp/base.hcl /dev/stdin`;

interface ConfigCheck {
  readonly owner: Owner;
  readonly image: Image;
  /** The network that the cluster joins; undefined if it has one of its own. */
  readonly network: string | undefined;
}

/**
 * Has Consul itself check the user's `config`, with `consul validate` from the image in use. If the
 * check can't be made, the log says so, and the agents will find out.
 *
 * @throws InputError with Consul's own message
 */
export async function checkConfig(
  { docker, log }: Pick<StartContext, "docker" | "log">,
  spec: ClusterSpec,
  { owner, image, network }: ConfigCheck,
): Promise<void> {
  if (spec.config.trim() === "") return;
  const env = Array.from(spec.env, ([name, value]) => `--env=${name}=${value}`);
  // On the agents' own network: configuration may look at its interfaces.
  const option = `--network=${networkName(network, owner.clusterId)}`;
  const container = [...helperArguments(owner), option, ...env];
  const command = ["--entrypoint=/bin/sh", image.reference, "-c", script];
  try {
    await docker.runToEnd([...container, ...command], spec.config);
  } catch (error) {
    const said = error instanceof DockerError ? wordsOf(error.said) : undefined;
    if (said === undefined) {
      if (!(error instanceof DockerError)) throw error;
      log(`\`config\` could not be checked in advance: ${messageOf(error)}`);
      return;
    }
    const message = `Consul (${image.reference}) refused input \`config\`: ${said}\nIt must be agent configuration in HCL or JSON that this version supports. For example: \`config: '{"limits": {"http_max_conns_per_client": 500}}'\`.`;
    throw new InputError([{ input: "config", message }]);
  }
}

/**
 * What Consul objects to, with the position in the user's text if Consul names one.
 *
 * @returns undefined if this is not a message of `consul validate`
 */
export function wordsOf(said: string): string | undefined {
  const words = /Config validation failed:\s*(?<words>.*)/s.exec(said)?.groups?.words;
  return words
    ?.replaceAll("/dev/stdin", "config")
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
}
