import { createTar, parseTar, type TarFileItem } from "nanotar";
import type { Credentials } from "../consul/http.ts";
import { securityFolder } from "./agent-config.ts";
import type { AgentPlan, ClusterPlan } from "./plan.ts";
import { type AgentTokens, securityConfig, securityOf } from "./security-config.ts";

/** PEM texts of one agent's certificate and its private key. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Secret IDs of the tokens of a cluster with ACLs. */
export interface Tokens {
  readonly management: string;
  /** For what an agent asks on behalf of somebody without a token: DNS. */
  readonly dns: string;
  /** With several datacenters: for the others' servers, to copy from the primary's. */
  readonly replication?: string;
  /** Each agent's own, by node name. */
  readonly agents: ReadonlyMap<string, string>;
}

/** What a secured cluster is made with. Lives in this process and in the agents' containers only. */
export interface Secrets {
  /** What the image's Consul says of itself. */
  readonly version: string;
  /** Whom the agents run as in their containers. */
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly gossipKey?: string;
  /** With TLS: the CA's certificate, in PEM. Its key is gone. */
  readonly ca?: string;
  /** With TLS: by node name. */
  readonly certificates: ReadonlyMap<string, Certificate>;
  readonly tokens?: Tokens;
}

/** How the whole cluster is talked to. */
export function credentialsFrom(secrets: Secrets | undefined): Credentials {
  const { ca, tokens } = secrets ?? {};
  return {
    scheme: ca ? "https" : "http",
    ...(ca && { ca }),
    ...(tokens && { token: tokens.management }),
  };
}

const replicationOf = ({ replication }: Tokens) => (replication === undefined ? [] : [replication]);

/** Every value that no log may show, line by line as a log would show it. */
export function secretValues({ gossipKey, certificates, tokens }: Secrets): string[] {
  const keys = [...certificates.values()].flatMap(({ key }) => key.split("\n"));
  return [
    ...(gossipKey ? [gossipKey] : []),
    ...(tokens
      ? [tokens.management, tokens.dns, ...replicationOf(tokens), ...tokens.agents.values()]
      : []),
    // The frame of a key is no secret, and masking it would garble whatever else shows one.
    ...keys.filter((line) => line !== "" && !line.startsWith("-----")),
  ];
}

const configFile = "agent.json";

const textOf = (config: unknown) => JSON.stringify(config, undefined, 2);

/**
 * The files that make one agent a member of a secured cluster: the part of its configuration that
 * is secret, certificate and key, and on servers, which know it anyhow, the management token.
 *
 * @returns a tar archive, to be opened at the root of the agent's container
 */
export function securityArchive(plan: ClusterPlan, agent: AgentPlan, secrets: Secrets): Uint8Array {
  const { uid, gid } = secrets.owner;
  const certificate = secrets.certificates.get(agent.node);
  const primary = plan.spec.datacenters[0].name;
  const tokens = tokensOf(agent, secrets, primary);
  const config = securityConfig({
    version: secrets.version,
    primary,
    ...(secrets.gossipKey && { gossipKey: secrets.gossipKey }),
    ...(tokens && { tokens }),
    tls: plan.spec.security.tls,
  });
  const files = {
    [configFile]: textOf(config),
    ...(secrets.ca && { "ca.pem": secrets.ca }),
    ...(certificate && { "cert.pem": certificate.certificate, "key.pem": certificate.key }),
    ...(tokens?.management && { token: tokens.management }),
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
 * The same files for an agent of another version, which may call some settings differently.
 *
 * @param archive - the folder of the agent that it replaces, as the engine gives it
 * @param version - what the new image's Consul says of itself
 * @returns a tar archive with the same names; owners, modes and all other files stay
 */
export function securityArchiveFor(archive: Uint8Array, version: string): Uint8Array {
  const files = parseTar(archive);
  return createTar(
    files.map(({ name, data, text, attrs }) => {
      const isConfig = name.endsWith(`/${configFile}`);
      const content = isConfig ? configFor(text, version) : data;
      return { name, ...(content && { data: content }), attrs: writtenAttributes(attrs) };
    }),
  );
}

const configFor = (text: string, version: string) =>
  textOf(securityConfig({ ...securityOf(JSON.parse(text)), version }));

/**
 * A file's attributes as `createTar` takes them. `parseTar` reads the octal numbers of owner and
 * group as decimal ones, and tells seconds where `createTar` wants milliseconds.
 */
function writtenAttributes({ mode, uid, gid, mtime }: TarFileItem["attrs"] = {}) {
  const octal = (digits = 0) => Number.parseInt(String(digits), 8);
  return {
    ...(mode && { mode }),
    uid: octal(uid),
    gid: octal(gid),
    mtime: (mtime ?? 0) * 1000,
  };
}

function tokensOf(
  { node, role, datacenter }: AgentPlan,
  { tokens }: Secrets,
  primary: string,
): AgentTokens | undefined {
  const agent = tokens?.agents.get(node);
  if (!tokens || agent === undefined) return undefined;
  const { management, dns, replication } = tokens;
  if (role === "client") return { agent, dns };
  const isPrimary = datacenter === primary;
  return { agent, dns, management, ...(!isPrimary && replication && { replication }) };
}
