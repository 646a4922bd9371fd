import { randomBytes, randomUUID } from "node:crypto";
import { isEnterprise, printedVersion } from "../consul/version-number.ts";
import { differences, has } from "../consul/versions.ts";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import type { Image } from "../docker/image-reference.ts";
import { ActionError, InputError, type Problem } from "../errors.ts";
import type { AclSettings, AgentsSpec, Role, Security } from "../inputs/cluster-spec.ts";
import { isSecured } from "../plan/agent-config.ts";
import type { KeyRequest } from "../plan/container-arguments.ts";
import type { AgentsPlan } from "../plan/plan.ts";
import {
  type Certificate,
  type Secrets,
  secretValues,
  type Tokens,
} from "../plan/security-files.ts";
import { type InTwoParts, type Keys, makeKeys } from "./key-maker.ts";
import { nodeSoftware } from "./node-images.ts";
import { officialKeys } from "./official-image.ts";
import type { StartContext } from "./start-context.ts";

/** The secrets of a cluster that do not belong to one agent. */
export interface SharedSecrets extends Pick<Secrets, "gossipKey" | "ca"> {
  readonly tokens?: Omit<Tokens, "agents">;
}

/** What the image's tools make; nothing if nothing secures the cluster. */
export interface BegunKeys extends InTwoParts<Keys | undefined> {
  /** To call when the servers run: until then, there are none `ofAll`. */
  goOn(): void;
}

/** What keys are made for. */
interface SecretsRequest extends Omit<KeyRequest, "tls" | "image"> {
  readonly image: Image;
}

/**
 * Begins what a cluster's secrets need its image for. That takes as long as an agent's start, unless
 * everything is known without a container.
 *
 * @param request - for agents to be, of which no more needs to be known yet
 * @param shared - the secrets of the cluster that they join; undefined if they form a new one
 */
export function beginKeys(
  docker: Docker,
  { security }: Pick<AgentsSpec, "security">,
  request: Promise<SecretsRequest>,
  shared?: SharedSecrets,
): BegunKeys {
  const tls = security.tls || undefined;
  const { promise: serversRun, resolve: goOn } = Promise.withResolvers<void>();
  const making = request.then(({ image, ...others }): InTwoParts<Keys> | undefined => {
    if (!isSecured(security)) return undefined;
    const known = tls ? undefined : officialKeys(image);
    if (known) return { ofServers: Promise.resolve(known), ofAll: Promise.resolve(known) };
    const asked = { ...others, image: image.reference, tls };
    return makeKeys({ docker, serversRun }, asked, tls?.ca ?? shared?.ca);
  });
  const ofServers = making.then((keys) => keys?.ofServers);
  const ofAll = making.then((keys) => keys?.ofAll);
  return { ofServers, ofAll, goOn };
}

/** What the secrets of a plan's agents are made from. */
interface Given {
  readonly keys: BegunKeys;
  /** As `beginKeys` takes it. */
  readonly shared?: SharedSecrets | undefined;
}

/**
 * Makes the secrets of a plan's agents, and hands each one to `onSecret` before anything uses it.
 *
 * @returns undefined if nothing secures the cluster; promises that reject with an InputError if this version of Consul does not support what an
 *   input asks for, and with an ActionError if the image can't make keys, or if the user's CA can't
 *   sign them
 */
export function secure(
  docker: Docker,
  plan: AgentsPlan,
  { log, onSecret }: Pick<StartContext, "log" | "onSecret">,
  { keys, shared }: Given,
): InTwoParts<Secrets | undefined> {
  const ofServers = serverSecrets(docker, plan, { keys, shared }, onSecret);
  const all = Promise.all([ofServers, orUnusable(plan, keys.ofAll)]);
  const ofAll = all.then(([secrets, sections]) => {
    if (!secrets?.ca || !sections) return secrets;
    const clients = certificatesIn(sections, plan, "client");
    for (const value of secretValues({ certificates: clients })) onSecret(value);
    log(`Consul ${secrets.version} made the certificates`);
    return { ...secrets, certificates: new Map([...secrets.certificates, ...clients]) };
  });
  return { ofServers, ofAll };
}

async function serverSecrets(
  docker: Docker,
  plan: AgentsPlan,
  { keys, shared }: Given,
  onSecret: (value: string) => void,
): Promise<Secrets | undefined> {
  if (!isSecured(plan.spec.security)) return undefined;
  const [sections, software] = await Promise.all([
    orUnusable(plan, keys.ofServers),
    nodeSoftware(docker, plan),
  ]);
  if (!sections) return undefined;
  const secrets = secretsFrom(sections, plan, { software, shared });
  for (const value of secretValues(secrets)) onSecret(value);
  return secrets;
}

/** @throws ActionError if the image can't make keys */
const orUnusable = (plan: AgentsPlan, keys: Promise<Keys | undefined>) =>
  keys.catch((error: unknown) => {
    throw error instanceof DockerError ? unusable(plan, error.message, error) : error;
  });

/** What secrets are made from, besides what the image's tools made. */
interface Others {
  readonly software: Secrets["software"];
  readonly shared: SharedSecrets | undefined;
}

/**
 * Secrets with certificates for servers alone.
 *
 * @throws as the promises of `secure` do
 */
function secretsFrom(sections: Keys, plan: AgentsPlan, { software, shared }: Others): Secrets {
  const { security, env } = plan.spec;
  const tls = security.tls || undefined;
  const version = printedVersion(sections.get("version") ?? "");
  if (version === undefined) throw unusable(plan, "`consul version` printed no version.");
  refuseMissing(security, version);

  const get = (name: string) => sectionIn(sections, plan, name);
  const caKey = shared?.ca?.key ?? sections.get("key of the CA");
  return {
    version,
    software,
    // The environment can tell the image's entrypoint which user to run the agent as.
    owner: plan.prerequisites.entrypoint ?? {
      uid: Number(env.get("CONSUL_UID") || get("uid")),
      gid: Number(env.get("CONSUL_GID") || get("gid")),
    },
    ...(security.gossipEncryption && { gossipKey: shared?.gossipKey ?? newGossipKey() }),
    ...(tls && { ca: { certificate: get("CA"), ...(caKey && { key: caKey }) } }),
    certificates: tls ? certificatesIn(sections, plan, "server") : new Map(),
    ...(tls?.isMutual && { client: certificateIn(sections, plan, "the job") }),
    ...(security.acl && { tokens: makeTokens(plan, security.acl, shared?.tokens) }),
  };
}

/** Certificates of a role's agents, by node. */
const certificatesIn = (sections: Keys, plan: AgentsPlan, role: Role) =>
  new Map(
    plan.agents
      .filter((agent) => agent.role === role)
      .map(({ node }) => [node, certificateIn(sections, plan, node)] as const),
  );

function certificateIn(sections: Keys, plan: AgentsPlan, name: string): Certificate {
  const { ca } = plan.spec.security.tls || {};
  return {
    certificate: sectionIn(sections, plan, `certificate of ${name}`) + (ca?.intermediates ?? ""),
    key: sectionIn(sections, plan, `key of ${name}`),
  };
}

/** @throws ActionError if Consul failed, or printed no such section */
function sectionIn(sections: Keys, plan: AgentsPlan, name: string): string {
  const { ca } = plan.spec.security.tls || {};
  const failure = sections.get("failure");
  if (failure !== undefined) throw ca ? notSigned(failure) : unusable(plan, failure);
  const section = sections.get(name);
  if (section === undefined) throw unusable(plan, `it printed no ${name}.`);
  return section;
}

/** Bytes of a gossip key, as `consul keygen` makes it: for AES-256. */
const gossipKeyLength = 32;

const newGossipKey = () => randomBytes(gossipKeyLength).toString("base64");

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
