import { randomUUID } from "node:crypto";
import { printedVersion } from "../consul/version-number.ts";
import { differences, has } from "../consul/versions.ts";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { ActionError, InputError } from "../errors.ts";
import type { Security } from "../inputs/cluster-spec.ts";
import { isSecured } from "../plan/agent-config.ts";
import { keyMakerArguments } from "../plan/container-arguments.ts";
import type { AgentsPlan } from "../plan/plan.ts";
import {
  type Certificate,
  type Secrets,
  secretValues,
  type Tokens,
} from "../plan/security-files.ts";
import { nodeSoftware } from "./node-images.ts";
import type { StartContext } from "./start-context.ts";

/** The secrets of a cluster that do not belong to one agent. */
export interface SharedSecrets extends Pick<Secrets, "gossipKey" | "ca"> {
  readonly tokens?: Omit<Tokens, "agents">;
}

/**
 * Makes the secrets of a plan's agents, and hands each one to `onSecret` before anything uses it.
 *
 * @param shared - those of the cluster that the agents join; undefined if they form a new one
 * @returns undefined if nothing secures the cluster
 * @throws as `makeSecrets` does
 */
export async function secure(
  docker: Docker,
  plan: AgentsPlan,
  { log, onSecret }: Pick<StartContext, "log" | "onSecret">,
  shared?: SharedSecrets,
): Promise<Secrets | undefined> {
  if (!isSecured(plan.spec.security)) return undefined;
  const secrets = await makeSecrets(docker, plan, shared);
  for (const value of secretValues(secrets)) onSecret(value);
  log(`Consul ${secrets.version} made the keys and certificates`);
  return secrets;
}

/**
 * Makes the secrets with the image's own tools, so that they fit its version of Consul. One container
 * without a network makes them in memory and prints them, and no log keeps its output: no private key
 * is written to the runner's disk.
 *
 * @throws InputError if this version of Consul does not support what an input asks for
 * @throws ActionError if the image can't make them
 */
async function makeSecrets(
  docker: Docker,
  plan: AgentsPlan,
  shared: SharedSecrets | undefined,
): Promise<Secrets> {
  const sections = parseSections(await makeKeys(docker, plan, shared?.ca));
  const { security, env } = plan.spec;
  const version = printedVersion(sections.get("version") ?? "");
  if (version === undefined) throw unusable(plan, "`consul version` printed no version.");
  refuseMissing(security, version);

  const failure = sections.get("failure");
  if (failure !== undefined) throw unusable(plan, failure);
  const get = (name: string) => {
    const section = sections.get(name);
    if (section === undefined) throw unusable(plan, `it printed no ${name}.`);
    return section;
  };
  return {
    version,
    software: await nodeSoftware(docker, plan),
    // The environment can tell the image's entrypoint which user to run the agent as.
    owner: plan.prerequisites.entrypoint ?? {
      uid: Number(env.get("CONSUL_UID") || get("uid")),
      gid: Number(env.get("CONSUL_GID") || get("gid")),
    },
    ...(security.gossipEncryption && { gossipKey: shared?.gossipKey ?? get("gossip key").trim() }),
    ...(security.tls && { ca: { certificate: get("CA"), key: get("key of the CA") } }),
    certificates: new Map(
      (security.tls ? plan.agents : []).map(({ node }): [string, Certificate] => [
        node,
        { certificate: get(`certificate of ${node}`), key: get(`key of ${node}`) },
      ]),
    ),
    ...(security.acl && { tokens: makeTokens(plan, shared?.tokens) }),
  };
}

/** @param ca - signs the certificates; undefined for a new one */
async function makeKeys(docker: Docker, plan: AgentsPlan, ca: Certificate | undefined) {
  const input = ca ? `${ca.certificate.trimEnd()}\n@\n${ca.key}` : "";
  try {
    return await docker.runToEnd(keyMakerArguments(plan, script), input);
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    throw unusable(plan, error.message, error);
  }
}

function unusable({ prerequisites }: AgentsPlan, reason: string, cause?: Error): ActionError {
  return new ActionError(
    "The image can't make keys",
    `Inputs \`acl\`, \`gossip-encryption\`, and \`tls\` need an image with \`sh\` and \`consul\`, which make the keys and certificates. With ${prerequisites.image.reference} this failed: ${reason}`,
    { cause },
  );
}

function refuseMissing(security: Security, version: string): void {
  const problems = (["acl", "tls"] as const)
    .filter((input) => security[input] && !has(version, input))
    .map((input) => {
      const message = `Input \`${input}\` is true, but this is Consul ${version}, and the first version that supports it is ${differences[input].from}. Set \`version\` to that or a later version, or omit \`${input}\`.`;
      return { input, message };
    });
  if (problems.length > 0) throw new InputError(problems);
}

function makeTokens({ spec, agents }: AgentsPlan, shared: SharedSecrets["tokens"]): Tokens {
  const ofCluster = shared ?? {
    management: randomUUID(),
    dns: randomUUID(),
    ...(spec.datacenters.length > 1 && { replication: randomUUID() }),
  };
  return {
    ...ofCluster,
    agents: new Map(agents.map(({ node }) => [node, randomUUID()])),
  };
}

/**
 * Runs in the container. Its arguments: whether to make certificates, then role, node,
 * container and datacenter of every agent. Its input: the CA's certificate, a line with `@`, and the
 * CA's key, or nothing for a new CA. Names of the files that `consul tls` makes changed between
 * versions, hence the patterns; and up to 1.4.4 it knows no address but 127.0.0.1, which is all
 * that is needed. An entrypoint that does not start as root can't change the user.
 */
const script = `
set -eu
section() { printf '@ %s\\n' "$1"; }
made_by_consul() { consul "$@" >said 2>&1 || { section failure; cat said; exit 0; }; }
tls=$1
shift
section version
consul version
user=
[ "$(id -u)" != 0 ] || user=consul
section uid
id -u $user 2>/dev/null || id -u
section gid
id -g $user 2>/dev/null || id -g
section 'gossip key'
consul keygen
[ "$tls" = true ] || exit 0
while IFS= read -r line && [ "$line" != @ ]; do printf '%s\\n' "$line"; done >ca.pem
cat >ca.key
if ! [ -s ca.key ]; then
  mkdir ca
  cd ca
  made_by_consul tls ca create
  mv -- *-key.pem ../ca.key
  mv -- *.pem ../ca.pem
  cd ..
fi
section CA
cat ca.pem
section 'key of the CA'
cat ca.key
while [ $# -gt 0 ]; do
  mkdir "$2"
  cd "$2"
  made_by_consul tls cert create "-$1" "-dc=$4" -ca=../ca.pem -key=../ca.key \\
    "-additional-dnsname=$2" "-additional-dnsname=$3"
  section "key of $2"
  cat -- *-key.pem
  rm -- *-key.pem
  section "certificate of $2"
  cat -- *.pem
  cd ..
  shift 4
done
`;

/** Texts under lines that begin with `@ `, as the script writes them. */
function parseSections(text: string): ReadonlyMap<string, string> {
  const [, ...sections] = `\n${text}`.split("\n@ ");
  return new Map(
    sections.map((section): [string, string] => {
      const end = section.indexOf("\n");
      return end < 0 ? [section, ""] : [section.slice(0, end), `${section.slice(end + 1)}\n`];
    }),
  );
}
