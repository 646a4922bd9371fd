import { agentPorts, bindInterface, clientAddress } from "../inputs/agent-defaults.ts";
import type { LogLevel, Role, Security, Storage } from "../inputs/cluster-spec.ts";
import { type Entrypoint, folderFlags } from "./entrypoint.ts";

/** Settings of one agent, without what the user adds. */
export interface AgentSettings {
  readonly role: Role;
  readonly node: string;
  readonly datacenter: string;
  /** Name of the primary datacenter if several are joined over WAN, else empty. */
  readonly primary: string;
  /** Number of servers in the datacenter. */
  readonly servers: number;
  readonly storage: Storage;
  /** Whether `-dev` turns Connect on although it is off by default in this version. */
  readonly devTurnsConnectOn: boolean;
  /** Host names of the servers to join. */
  readonly join: readonly string[];
  /** Host names of the other datacenters' servers, for a server to join over WAN. */
  readonly joinWan: readonly string[];
  readonly logLevel: LogLevel;
  /** The user's environment variables for the agent. */
  readonly env: ReadonlyMap<string, string>;
  /** What the image's entrypoint does; undefined if it was not asked. */
  readonly entrypoint: Entrypoint | undefined;
  readonly security: Security;
}

/**
 * Folder for the secret part of a secured agent's configuration: `agent.json`; with TLS `ca.pem`,
 * `cert.pem` and `key.pem`; on servers, with ACLs the management `token`, and with mutual TLS the job's
 * `client-cert.pem` and `client-key.pem`; with a license of Consul Enterprise, `license.hclic`. It is outside CONSUL_CONFIG_DIR, whatever that is, so that Consul reads it only once.
 */
export const securityFolder = "/consul/security";

const securityFlag = `-config-file=${securityFolder}/agent.json`;

/** Whether an agent has security files. @param command - all of its command line */
export const isSecuredCommand = (command: string): boolean => command.includes(securityFlag);

/** Whether an agent needs its security files before it starts. */
export const isSecured = ({ acl, gossipEncryption, tls, license }: Security): boolean =>
  Boolean(acl || gossipEncryption || tls || license);

/**
 * The agent's command line. It has only what every Consul from 1.4 to 2.1 accepts: settings that
 * differ between versions are in security-config.ts.
 *
 * Consul merges `-hcl` fragments after all flags, so a fragment from the user, appended later,
 * overrides everything here (agent/config/builder.go). What the action relies on is refused in
 * fragments beforehand (inputs/reserved-settings).
 *
 * @returns arguments for the image's entrypoint, starting with `agent`
 */
export function agentArguments(settings: AgentSettings): string[] {
  const { role, node, datacenter, servers, join, joinWan, logLevel, env, security } = settings;
  const { primary } = settings;
  // `-dev` is the only way to keep raft in memory. It makes the agent a server with the UI that
  // elects itself within 0.1 s. Our flags and settings revert everything else that it changes.
  const inMemory = role === "server" && settings.storage === "memory";
  const reverts = inMemory
    ? { ...standardProbes, ...(settings.devTurnsConnectOn && noConnect) }
    : {};
  return [
    "agent",
    `-node=${node}`,
    `-datacenter=${datacenter}`,
    `-log-level=${levelNames[logLevel]}`,
    ...listenFlags(env),
    ...folderFlags(env, settings.entrypoint),
    ...(inMemory ? ["-dev"] : []),
    ...(role === "server" && !inMemory ? ["-server", `-bootstrap-expect=${servers}`, "-ui"] : []),
    ...join.map((host) => `-retry-join=${host}`),
    ...joinWan.map((host) => `-retry-join-wan=${host}`),
    ...(isSecured(security) ? [securityFlag] : []),
    // With TLS the ports are in agent.json, since they depend on the version.
    `-hcl=${JSON.stringify({ ...(security.tls ? {} : openPorts), ...fastSettings, ...reverts })}`,
    ...(primary === "" ? [] : [`-hcl=${JSON.stringify(federationOf(primary))}`]),
  ];
}

/**
 * What agents bind to. The image's entrypoint turns the two variables into the same flags, but needs
 * `ip` for that, which images with `-ubi` in the tag do not have. It treats an empty one as unset.
 */
function listenFlags(env: ReadonlyMap<string, string>): string[] {
  const bind = env.get("CONSUL_BIND_INTERFACE") || bindInterface;
  const client = env.get("CONSUL_CLIENT_INTERFACE");
  return [
    `-bind=${interfaceAddress(bind)}`,
    `-client=${client ? interfaceAddress(client) : clientAddress}`,
  ];
}

/**
 * A template for an interface's first IPv4 address, which Consul fills in (go-sockaddr). Its shorter
 * `GetInterfaceIP` leaves out ranges that routers don't forward, such as 203.0.113.0/24.
 */
function interfaceAddress(name: string): string {
  const pattern = `^${name.replaceAll(".", "[.]")}$`;
  const first = `GetAllInterfaces | include "name" "${pattern}" | include "type" "IPv4" | limit 1`;
  // What is not an address ends the agent, and Consul's message has it.
  const missing = `no-IPv4-address-on-${name}`;
  return `{{ with ${first} | join "address" " " }}{{ . }}{{ else }}${missing}{{ end }}`;
}

/** Settings for agents of datacenters that are joined over WAN. */
const federationOf = (primary: string) => ({
  primary_datacenter: primary,
  retry_interval_wan: "200ms",
});

/**
 * Consul's own defaults. `-dev` probes ten times as often and waits 0.1 s for an answer: on a busy
 * runner it declares live clients failed. Its shorter gossip interval, half the default, is harmless.
 */
const standardProbes = {
  gossip_lan: { probe_interval: "1s", probe_timeout: "500ms", suspicion_mult: 4 },
  gossip_wan: { probe_interval: "5s", probe_timeout: "3s", suspicion_mult: 6 },
};

/** Consul's default before 1.14. */
const noConnect = { connect: { enabled: false } };

/** Environment that makes Consul's CLI work in a secured agent's container. No secrets. */
export function securedEnvironment({ tls }: Security): Readonly<Record<string, string>> {
  if (!tls) return {};
  return {
    CONSUL_HTTP_ADDR: `https://127.0.0.1:${agentPorts.http}`,
    CONSUL_CACERT: `${securityFolder}/ca.pem`,
    // The agent's own certificate is good for calling an API, too.
    ...(tls.isMutual && {
      CONSUL_CLIENT_CERT: `${securityFolder}/cert.pem`,
      CONSUL_CLIENT_KEY: `${securityFolder}/key.pem`,
    }),
  };
}

/** `err` is the only spelling of that level that every version accepts: 1.4 has no `error`. */
const levelNames: Readonly<Record<LogLevel, string>> = {
  trace: "trace",
  debug: "debug",
  info: "info",
  warn: "warn",
  error: "err",
};

const openPorts = { ports: { grpc: agentPorts.grpc } };

/** Defaults for short-lived clusters. The user's `config` overrides them. */
const fastSettings = {
  // The shortest raft timers that Consul allows: an election takes 1 to 2 s instead of 5 to 10 s.
  performance: { raft_multiplier: 1 },
  // Agents start concurrently, so the first attempt to join usually comes too early.
  retry_interval: "200ms",
  autopilot: {
    // A returning server gets its vote at autopilot's next round, not 10 s later (measured: 9 s
    // instead of 19 s, Consul 1.8.7).
    server_stabilization_time: "0s",
    // A killed server keeps its vote, and still has it when it returns. Autopilot would remove it
    // from raft at its next round, up to 10 s later, and restore the vote only at the one after.
    cleanup_dead_servers: false,
  },
  // Do not call HashiCorp from every job.
  disable_update_check: true,
};
