import { DockerError } from "../docker/docker-error.ts";
import type { Image } from "../docker/image-reference.ts";
import { InputError, messageOf } from "../errors.ts";
import type { ClusterSpec } from "../inputs/cluster-spec.ts";
import { agentPorts } from "../plan/agent-config.ts";
import { labelArguments, type Owner } from "../plan/labels.ts";
import { networkName } from "../plan/plan.ts";
import type { StartContext } from "./start-context.ts";

/** What no agent's configuration may lack; the user's comes after it and wins, as in an agent. */
const base = `data_dir = "/tmp" bind_addr = "127.0.0.1" server = true bootstrap_expect = 3 ports { grpc = ${agentPorts.grpc} }`;

/** Nothing of the user's is part of this script: their configuration comes on standard input. */
const script = `printf '%s' '${base}' > /tmp/base.hcl && exec consul validate -config-format=hcl /tmp/base.hcl /dev/stdin`;

/**
 * Has Consul itself check the user's `config`, by `consul validate` of the image in use.
 *
 * @param network - which the agents will be on: configuration may look at its interfaces
 * @param log - gets a line where the check can't be made; the agents then find out
 * @throws InputError with Consul's own words
 */
export async function checkConfig(
  { docker, log }: Pick<StartContext, "docker" | "log">,
  spec: ClusterSpec,
  { owner, image }: { readonly owner: Owner; readonly image: Image },
): Promise<void> {
  if (spec.config.trim() === "") return;
  const env = Array.from(spec.env, ([name, value]) => `--env=${name}=${value}`);
  // On the agents' own network: configuration may look at its interfaces.
  const network = `--network=${networkName(spec, owner.clusterId)}`;
  const container = [...labelArguments(owner), network, ...env];
  const command = ["--entrypoint=/bin/sh", image.reference, "-c", script];
  try {
    await docker.runToEnd([...container, ...command], spec.config);
  } catch (error) {
    const said = error instanceof DockerError ? wordsOf(error.said) : undefined;
    if (said === undefined) {
      if (!(error instanceof DockerError)) throw error;
      log(`\`config\` could not be checked beforehand: ${messageOf(error)}`);
      return;
    }
    const message = `Input \`config\` is refused by Consul (${image.reference}): ${said}\nIt must be agent configuration in HCL or JSON that this version knows. For example: \`config: '{"limits": {"http_max_conns_per_client": 500}}'\`.`;
    throw new InputError([{ input: "config", message }]);
  }
}

/**
 * What Consul objects to, with the position in the user's text where it gives one.
 *
 * @returns undefined where these are not the words of `consul validate`
 */
export function wordsOf(said: string): string | undefined {
  const words = /Config validation failed:\s*(?<words>.*)/s.exec(said)?.groups?.words;
  return words
    ?.replaceAll("/dev/stdin", "config")
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
}
