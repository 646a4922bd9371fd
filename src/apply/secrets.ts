import { randomUUID } from "node:crypto";
import { isEnterprise, printedVersion } from "../consul/version-number.ts";
import { differences, has } from "../consul/versions.ts";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { ActionError, InputError, type Problem } from "../errors.ts";
import type { AclSettings, CertificateAuthority, Security } from "../inputs/cluster-spec.ts";
import { isSecured } from "../plan/agent-config.ts";
import { keyMakerArguments } from "../plan/container-arguments.ts";
import type { AgentsPlan } from "../plan/plan.ts";
import {
  type Certificate,
  type Secrets,
  type Signer,
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
 * is written to the runner's disk. A CA of the user's signs in the same place.
 *
 * @throws InputError if this version of Consul does not support what an input asks for
 * @throws ActionError if the image can't make them, or if the user's CA can't sign them
 */
async function makeSecrets(
  docker: Docker,
  plan: AgentsPlan,
  shared: SharedSecrets | undefined,
): Promise<Secrets> {
  const { security, env } = plan.spec;
  const tls = security.tls || undefined;
  const sections = parseSections(await makeKeys(docker, plan, signerText(tls?.ca, shared?.ca)));
  const version = printedVersion(sections.get("version") ?? "");
  if (version === undefined) throw unusable(plan, "`consul version` printed no version.");
  refuseMissing(security, version);

  const failure = sections.get("failure");
  if (failure !== undefined) throw tls?.ca ? notSigned(failure) : unusable(plan, failure);
  const get = (name: string) => {
    const section = sections.get(name);
    if (section === undefined) throw unusable(plan, `it printed no ${name}.`);
    return section;
  };
  const certificateOf = (name: string): Certificate => ({
    certificate: get(`certificate of ${name}`) + (tls?.ca?.intermediates ?? ""),
    key: get(`key of ${name}`),
  });
  const caKey = shared?.ca?.key ?? sections.get("key of the CA");
  return {
    version,
    software: await nodeSoftware(docker, plan),
    // The environment can tell the image's entrypoint which user to run the agent as.
    owner: plan.prerequisites.entrypoint ?? {
      uid: Number(env.get("CONSUL_UID") || get("uid")),
      gid: Number(env.get("CONSUL_GID") || get("gid")),
    },
    ...(security.gossipEncryption && { gossipKey: shared?.gossipKey ?? get("gossip key").trim() }),
    ...(tls && { ca: { certificate: get("CA"), ...(caKey && { key: caKey }) } }),
    certificates: new Map(
      (tls ? plan.agents : []).map(({ node }) => [node, certificateOf(node)] as const),
    ),
    ...(tls?.isMutual && { client: certificateOf("the job") }),
    ...(security.acl && { tokens: makeTokens(plan, security.acl, shared?.tokens) }),
  };
}

/** A CA as the script reads it from standard input: arguments could be seen by others. */
function signerText(own: CertificateAuthority | undefined, shared: Signer | undefined): string {
  if (own) return `${own.key.trimEnd()}\n@\n${own.certificates}`;
  return shared?.key ? `${shared.key.trimEnd()}\n@\n${shared.certificate}` : "";
}

/** @param signer - as the script reads it */
async function makeKeys(docker: Docker, plan: AgentsPlan, signer: string): Promise<string> {
  try {
    return await docker.runToEnd(keyMakerArguments(plan, script), signer);
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    throw unusable(plan, error.message, error);
  }
}

/** @param said - by Consul */
const notSigned = (said: string) =>
  new ActionError(
    "The CA can't sign certificates",
    `Consul could not make the agents' certificates with the CA in \`ca-cert\` and \`ca-key\`: ${said.trim()}\nIt must allow certificates for 127.0.0.1, \`localhost\`, and the names of nodes and containers (no name constraints), and be allowed to sign them (key usage).`,
  );

function unusable({ prerequisites }: AgentsPlan, reason: string, cause?: Error): ActionError {
  return new ActionError(
    "The image can't make keys",
    `Inputs \`acl\`, \`gossip-encryption\`, and \`tls\` need an image with \`sh\` and \`consul\`, which make the keys and certificates. With ${prerequisites.image.reference} this failed: ${reason}`,
    { cause },
  );
}

function refuseMissing(security: Security, version: string): void {
  const problems: Problem[] = (["acl", "tls"] as const)
    .filter((input) => security[input] && !has(version, input))
    .map((input) => {
      const message = `Input \`${input}\` is on, but this is Consul ${version}, and the first version that supports it is ${differences[input].from}. Set \`version\` to that or a later version, or omit \`${input}\`.`;
      return { input, message };
    });
  const { ca } = security.tls || {};
  if (ca?.keyType === "rsa" && !has(version, "rsaSigner")) {
    const message = `Input \`ca-key\` has an RSA key, but this is Consul ${version}, and the first version that signs with one is ${differences.rsaSigner.from}. Use a CA with an EC key, or a later version.`;
    problems.push({ input: "ca-key", message });
  }
  problems.push(...licenseProblems(security, version));
  if (problems.length > 0) throw new InputError(problems);
}

function licenseProblems({ license }: Security, version: string): Problem[] {
  if (license === undefined) return [];
  const refused = (message: string): Problem[] => [{ input: "license", message }];
  if (!isEnterprise(version))
    return refused(
      `Input \`license\` is set, but this is Consul ${version}, the community edition. Use an image of Consul Enterprise (\`image: hashicorp/consul-enterprise\`), or leave \`license\` empty.`,
    );
  if (has(version, "licensePath")) return [];
  return refused(
    `Input \`license\` is set, but this is Consul ${version}, and the first version that reads a license from a file is ${differences.licensePath.from}. Use that or a later version, or leave \`license\` empty, and set the license with \`consul license put\`.`,
  );
}

function makeTokens(
  { spec, agents }: AgentsPlan,
  { managementToken }: AclSettings,
  shared: SharedSecrets["tokens"],
): Tokens {
  const isReplicated = spec.datacenters.some(({ name, federation }) => name !== federation);
  const ofCluster = shared ?? {
    management: managementToken ?? randomUUID(),
    dns: randomUUID(),
    ...(isReplicated && { replication: randomUUID() }),
  };
  return {
    ...ofCluster,
    agents: new Map(agents.map(({ node }) => [node, randomUUID()])),
  };
}

/**
 * Runs in the container. Its arguments: whether to make certificates, also for callers if it is `mutual`;
 * then role, node, container and datacenter of every agent. Its input: the CA's key, a line with `@`, and
 * the CA's certificate, or nothing for a new CA. Names of the files that `consul tls` makes changed between
 * versions, hence the patterns; and up to 1.4.4 it knows no address but 127.0.0.1, which is all
 * that is needed. An entrypoint that does not start as root can't change the user.
 */
const script = `
set -eu
section() { printf '@ %s\\n' "$1"; }
made_by_consul() { consul "$@" >said 2>&1 || { section failure; cat said; exit 0; }; }
certificate() {
  name=$1
  shift
  mkdir "$name"
  cd "$name"
  made_by_consul tls cert create "$@" -ca=../ca.pem -key=../ca.key
  section "key of $name"
  cat -- *-key.pem
  rm -- *-key.pem
  section "certificate of $name"
  cat -- *.pem
  cd ..
}
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
[ "$tls" != false ] || exit 0
file=ca.key
while IFS= read -r line; do
  if [ "$line" = @ ]; then file=ca.pem; else printf '%s\\n' "$line" >>"$file"; fi
done
if ! [ -e ca.key ]; then
  mkdir ca
  cd ca
  made_by_consul tls ca create
  mv -- *-key.pem ../ca.key
  mv -- *.pem ../ca.pem
  cd ..
  section 'key of the CA'
  cat ca.key
fi
section CA
cat ca.pem
if [ "$tls" = mutual ]; then certificate 'the job' -cli "-dc=$4"; fi
while [ $# -gt 0 ]; do
  certificate "$2" "-$1" "-dc=$4" "-additional-dnsname=$2" "-additional-dnsname=$3"
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
