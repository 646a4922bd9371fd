import { createTar, parseTar, type TarFileItem } from "nanotar";
import type { Credentials } from "../consul/http.ts";
import { isOlder } from "../consul/version-number.ts";
import { securityFolder } from "./agent-config.ts";
import { dataDirectory, type Entrypoint } from "./entrypoint.ts";
import type { AgentPlan, AgentsPlan } from "./plan.ts";
import { type AgentTokens, securityConfig, securityOf } from "./security-config.ts";

/** A certificate and its private key, in PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Secret IDs of the tokens of a cluster with ACLs. */
export interface Tokens {
  readonly management: string;
  /** Used by agents for callers without a token, as in DNS queries. */
  readonly dns: string;
  /** With datacenters joined over WAN: for servers outside the primary, to replicate its ACLs. */
  readonly replication?: string;
  /** Each agent's own token, by node name. */
  readonly agents: ReadonlyMap<string, string>;
}

/** Numbers of a user and a group, as the image has them. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/** What an agent's secret files depend on. */
export interface Software {
  /** Consul version that its image reports. */
  readonly version: string;
  /** The user that it runs as in its container. */
  readonly owner: FileOwner;
}

/** A CA in PEM: its certificate with those that agents are to trust, too, and its key if it is kept. */
export interface Signer {
  readonly certificate: string;
  readonly key?: string;
}

/** Secrets of a cluster. They exist only in this process and in the agents' containers. */
export interface Secrets extends Software {
  /** What nodes with an image of their own run, by node name. */
  readonly software: ReadonlyMap<string, Software>;
  readonly gossipKey?: string;
  /** With TLS: the CA. The key of the user's own is not kept. */
  readonly ca?: Signer;
  /** By node name; empty without TLS. */
  readonly certificates: ReadonlyMap<string, Certificate>;
  /** What callers of the HTTP API show if it asks for a certificate: this step and later ones. */
  readonly client?: Certificate;
  readonly tokens?: Tokens;
}

/** Credentials for every agent of the cluster. */
export function credentialsFrom(secrets: Secrets | undefined): Credentials {
  const { ca, client, tokens } = secrets ?? {};
  return {
    scheme: ca ? "https" : "http",
    ...(ca && { ca: ca.certificate }),
    ...(client && { client }),
    ...(tokens && { token: tokens.management }),
  };
}

/** What a node's agent runs. */
export const softwareOf = (secrets: Secrets, node: string): Software =>
  secrets.software.get(node) ?? secrets;

/** The oldest version that these nodes run: what it lacks, none of them can rely on. */
export const oldestVersion = (secrets: Secrets, nodes: Iterable<string>): string =>
  Array.from(nodes, (node) => softwareOf(secrets, node).version).reduce((least, version) =>
    isOlder(version, least) ? version : least,
  );

/**
 * The secrets with the tokens of these agents alone, and only with those that they share.
 *
 * @param agents - of datacenters that have their ACLs in common
 */
export function secretsFor(secrets: Secrets, agents: readonly AgentPlan[]): Secrets {
  if (!secrets.tokens) return secrets;
  const { replication, agents: all, ...shared } = secrets.tokens;
  const isReplicated = agents.some(({ datacenter, federation }) => datacenter !== federation);
  const own = [...all].filter(([node]) => agents.some((agent) => agent.node === node));
  const tokens = {
    ...shared,
    ...(replication && isReplicated && { replication }),
    agents: new Map(own),
  };
  return { ...secrets, tokens };
}

const replicationOf = ({ replication }: Tokens) => (replication === undefined ? [] : [replication]);

/** Every value to mask in logs, line by line, since logs are masked by line. */
export function secretValues({
  gossipKey,
  ca,
  certificates,
  client,
  tokens,
}: Omit<Secrets, keyof Software | "software">): string[] {
  const pairs = [...certificates.values(), ...(client ? [client] : [])];
  const keys = [ca?.key ?? "", ...pairs.map(({ key }) => key)].flatMap((key) => key.split("\n"));
  return [
    ...(gossipKey ? [gossipKey] : []),
    ...(tokens
      ? [tokens.management, tokens.dns, ...replicationOf(tokens), ...tokens.agents.values()]
      : []),
    // A key's header and footer are not secret, and masking them would garble other PEM output.
    ...keys.filter((line) => line !== "" && !line.startsWith("-----")),
  ];
}

/**
 * Reads texts from the folder of an agent's secrets.
 *
 * @param archive - the folder, as a tar archive from the engine; undefined if there is none
 * @returns the text of a file by its name; undefined if there is no such file
 */
export function secretTexts(archive: Uint8Array | undefined): (name: string) => string | undefined {
  const files = archive ? parseTar(archive) : [];
  return (name) => files.find((file) => file.name.endsWith(`/${name}`))?.text;
}

const configFile = "agent.json";
/** The file with the license of Consul Enterprise, in the folder of an agent's secrets. */
export const licenseFile = "license.hclic";

const textOf = (config: unknown) => JSON.stringify(config, undefined, 2);

/**
 * The security files of one agent: the secret part of its configuration, certificate and key, and on
 * servers what later steps call the cluster with, if they need it: the management token, which servers
 * know anyway, and the callers' certificate.
 *
 * @returns a tar archive to extract at the root of the agent's container
 */
export function securityArchive(plan: AgentsPlan, agent: AgentPlan, secrets: Secrets): Uint8Array {
  const { version, owner } = softwareOf(secrets, agent.node);
  const { uid, gid } = owner;
  const certificate = secrets.certificates.get(agent.node);
  const tokens = tokensOf(agent, secrets);
  const { tls, license } = plan.spec.security;
  const client = agent.role === "server" ? secrets.client : undefined;
  const config = securityConfig({
    version,
    primary: agent.federation,
    ...(secrets.gossipKey && { gossipKey: secrets.gossipKey }),
    ...(tokens && { tokens }),
    tls: tls && (tls.isMutual ? "mutual" : true),
    hasLicense: license !== undefined,
  });
  const files = {
    [configFile]: textOf(config),
    ...(secrets.ca && { "ca.pem": secrets.ca.certificate }),
    ...(certificate && { "cert.pem": certificate.certificate, "key.pem": certificate.key }),
    ...(tokens?.management && { token: tokens.management }),
    ...(license && { [licenseFile]: license }),
    ...(client && { "client-cert.pem": client.certificate, "client-key.pem": client.key }),
  };
  const folder = securityFolder.slice(1);
  return createTar([
    { name: folder, attrs: { mode: "700", uid, gid } },
    ...Object.entries(files).map(([name, data]) => ({
      name: `${folder}/${name}`,
      data,
      attrs: { mode: "400", uid, gid },
    })),
  ]);
}

/**
 * The user's data directory, for its owner: an entrypoint that does not read CONSUL_DATA_DIR leaves
 * the volume to root.
 *
 * @returns a tar archive to extract at the root of the agent's container
 */
export function dataDirectoryArchive({ spec }: AgentsPlan, { uid, gid }: Entrypoint): Uint8Array {
  const name = dataDirectory(spec.env).slice(1);
  return createTar([{ name, attrs: { mode: "755", uid, gid } }]);
}

/**
 * The same files for another Consul version, in which some settings may have other names.
 *
 * @param archive - the replaced agent's folder, as a tar archive from the engine
 * @param version - Consul version that the new image reports
 * @param owner - of the files, if the archive does not have it
 * @returns a tar archive with the same names, owners and modes; only `agent.json` changes
 */
export function securityArchiveFor(
  archive: Uint8Array,
  version: string,
  owner?: FileOwner,
): Uint8Array {
  const files = parseTar(archive);
  const hasLicense = files.some(({ name }) => name.endsWith(`/${licenseFile}`));
  return createTar(
    files.map(({ name, data, text, attrs }) => {
      const isConfig = name.endsWith(`/${configFile}`);
      const content = isConfig ? configFor(text, version, hasLicense) : data;
      const attributes = { ...tarAttributes(attrs), ...owner };
      return { name, ...(content && { data: content }), attrs: attributes };
    }),
  );
}

const configFor = (text: string, version: string, hasLicense: boolean) =>
  textOf(securityConfig({ ...securityOf(JSON.parse(text)), version, hasLicense }));

/**
 * A file's attributes for `createTar`. `parseTar` parses the octal owner and group as decimal, and
 * returns seconds; `createTar` expects milliseconds.
 */
function tarAttributes({ mode, uid, gid, mtime }: TarFileItem["attrs"] = {}) {
  const octal = (digits = 0) => Number.parseInt(String(digits), 8);
  return {
    ...(mode && { mode }),
    uid: octal(uid),
    gid: octal(gid),
    mtime: (mtime ?? 0) * 1000,
  };
}

function tokensOf(
  { node, role, datacenter, federation }: AgentPlan,
  { tokens }: Secrets,
): AgentTokens | undefined {
  const agent = tokens?.agents.get(node);
  if (!tokens || agent === undefined) return undefined;
  const { management, dns, replication } = tokens;
  if (role === "client") return { agent, dns };
  const isPrimary = datacenter === federation;
  return { agent, dns, management, ...(!isPrimary && replication && { replication }) };
}
