import pLimit from "p-limit";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { InputError, messageOf, type Problem } from "../errors.ts";
import { agentPorts } from "../inputs/agent-defaults.ts";
import type { ClusterSpec, Role } from "../inputs/cluster-spec.ts";
import { nodesOf } from "../inputs/nodes.ts";
import { placeText } from "../inputs/wording.ts";
import { fileConfigOf } from "../plan/container-arguments.ts";
import type { Owner } from "../plan/labels.ts";
import { envOf, networkName } from "../plan/plan.ts";
import { helperArguments } from "../plan/volumes.ts";
import { type ClusterImages, distinctImages } from "./cluster-images.ts";
import type { StartContext } from "./start-context.ts";

/** What every agent's configuration needs. The user's comes after it and overrides it, as in an agent. */
const base: Readonly<Record<Role, string>> = {
  server: `data_dir = "/tmp" bind_addr = "127.0.0.1" server = true bootstrap_expect = 3 ports { grpc = ${agentPorts.grpc} }`,
  client: `data_dir = "/tmp" bind_addr = "127.0.0.1" ports { grpc = ${agentPorts.grpc} }`,
};

// The scripts contain nothing from the user: their configuration is read from standard input.

/** Checks one text. */
const textScript = `printf '%s' '${base.server}' > /tmp/base.hcl && exec consul validate -config-format=hcl /tmp/base.hcl /dev/stdin`;

/** Checks texts of one line each, which override each other in this order. */
const linesScript = (role: Role) => `set -e
printf '%s' '${base[role]}' > /tmp/base.hcl
count=0
while IFS= read -r line; do
  count=$((count + 1))
  printf '%s' "$line" > "/tmp/config-$count.hcl"
done
exec consul validate -config-format=hcl /tmp/base.hcl /tmp/config-*.hcl`;

interface ConfigCheck {
  readonly owner: Owner;
  readonly images: ClusterImages;
  /** The network that the cluster joins; undefined if it has one of its own. */
  readonly network: string | undefined;
}

/** One run of `consul validate`. */
interface Validation {
  readonly image: string;
  readonly env: ReadonlyMap<string, string>;
  readonly script: string;
  readonly input: string;
  /** What is checked, for the log: `` `config` ``. */
  readonly subject: string;
  /** Makes the problem of Consul's words about it. */
  readonly problemOf: (words: string) => Problem;
}

/** Containers that run at once. */
const checksAtOnce = 4;

/**
 * Has Consul itself check the user's `config`, and the configuration of nodes that have their own, with
 * `consul validate` from the images in use. If a check can't be made, the log says so, and the agents
 * will find out.
 *
 * @throws InputError with Consul's own messages
 */
export async function checkConfigs(
  { docker, log }: Pick<StartContext, "docker" | "log">,
  spec: ClusterSpec,
  check: ConfigCheck,
): Promise<void> {
  const limit = pLimit(checksAtOnce);
  const validations = validationsOf(spec, check.images);
  const results = await Promise.allSettled(
    validations.map((each) => limit(() => validate({ docker, log }, each, check))),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  const problems = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  if (problems.length > 0) throw new InputError(problems);
}

/** What is to be checked, the same only once. */
export function validationsOf(spec: ClusterSpec, images: ClusterImages): Validation[] {
  const all = [...inputValidations(spec, images), ...nodeValidations(spec, images)];
  const keyOf = ({ image, env, script, input }: Validation) =>
    JSON.stringify([image, [...env], script, input]);
  return [...Map.groupBy(all, keyOf).values()].flatMap((same) => same.slice(0, 1));
}

function inputValidations({ config, env }: ClusterSpec, images: ClusterImages): Validation[] {
  if (config.trim() === "") return [];
  return distinctImages(images).map(({ reference }) => ({
    image: reference,
    env,
    script: textScript,
    input: config,
    subject: "`config`",
    problemOf: (words) => {
      const message = `Consul (${reference}) refused input \`config\`: ${words}\nIt must be agent configuration in HCL or JSON that this version supports. For example: \`config: '{"limits": {"http_max_conns_per_client": 500}}'\`.`;
      return { input: "config", message };
    },
  }));
}

function nodeValidations(spec: ClusterSpec, { image, ofNodes }: ClusterImages): Validation[] {
  return nodesOf(spec.datacenters).flatMap((shape): Validation[] => {
    const { node, role } = shape;
    const own = spec.nodes.get(node);
    const datacenter = spec.datacenters.find(({ name }) => name === shape.datacenter);
    if (!own || own.config === "" || !datacenter) return [];
    const { reference } = ofNodes.get(node) ?? image;
    // JSON without line breaks.
    const lines = fileConfigOf(spec, datacenter, shape).filter((line) => line !== "");
    return [
      {
        image: reference,
        env: envOf(spec, shape),
        script: linesScript(role),
        input: lines.map((line) => `${line}\n`).join(""),
        subject: `${node}'s configuration`,
        problemOf: (words) => {
          const { place } = own;
          const message = `${placeText(place)}: Consul (${reference}) refused ${node}'s configuration, to which \`nodes\` adds: ${words}`;
          return { input: "cluster", place, message };
        },
      },
    ];
  });
}

async function validate(
  { docker, log }: { readonly docker: Docker; readonly log: (line: string) => void },
  { image, env, script, input, subject, problemOf }: Validation,
  { owner, network }: ConfigCheck,
): Promise<Problem[]> {
  const variables = Array.from(env, ([name, value]) => `--env=${name}=${value}`);
  // On the agents' own network: configuration may look at its interfaces.
  const option = `--network=${networkName(network, owner.clusterId)}`;
  const container = [...helperArguments(owner), option, ...variables];
  const command = ["--entrypoint=/bin/sh", image, "-c", script];
  try {
    await docker.runToEnd([...container, ...command], { input });
    return [];
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    const words = wordsOf(error.said);
    if (words !== undefined) return [problemOf(words)];
    log(`${subject} could not be checked in advance: ${messageOf(error)}`);
    return [];
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
    ?.replaceAll(/\/dev\/stdin|\/tmp\/config-\d+\.hcl/g, "config")
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
}
