import type { PullPolicy } from "../docker/find-image.ts";
import type { Place } from "../errors.ts";
import type { DeclaredSnapshot, Seeds } from "./seeds.ts";

export type Role = "server" | "client";

/**
 * What agents are configured from. It stays as it is while the cluster runs, so that agents which come
 * later are like the first.
 */
export interface AgentsSpec {
  /** The first is the cluster's own: unless there are peerings, the primary. The numbers are those of the start. */
  readonly datacenters: readonly [Datacenter, ...Datacenter[]];
  /** Additional configuration of every agent, HCL or JSON, as the user wrote it; may be empty. */
  readonly config: string;
  /** The same from a cluster file, applied first; each may be empty. */
  readonly fileConfig: Readonly<Record<"all" | Role, string>>;
  readonly env: ReadonlyMap<string, string>;
  /** What single nodes have of their own, by node name. */
  readonly nodes: ReadonlyMap<string, NodeSettings>;
  readonly logLevel: LogLevel;
  readonly security: Security;
}

/** The cluster that the user asks for: every input, parsed and checked. */
export interface ClusterSpec extends AgentsSpec {
  /** Image references to try in this order; the first one that exists is used. */
  readonly images: readonly string[];
  /** When the image is pulled. */
  readonly pull: PullPolicy;
  /** Ports on the runner's loopback for the first server; 0 means any free port. */
  readonly ports: Readonly<Record<PortName, number>>;
  /** The existing Docker network that the user names; empty if the user leaves the choice to us. */
  readonly network: string;
  /** Docker contexts to spread agents over, the job's own first; empty for the engine in use. */
  readonly engines: readonly string[];
  /** The job's network in the runner's words; empty if it has none in which containers have names. */
  readonly jobNetwork: string;
  /** Whether later steps get the `consul` command. */
  readonly cli: boolean;
  /** What the servers start from; undefined if from nothing. */
  readonly snapshot: DeclaredSnapshot | undefined;
  /** What the cluster file declares. */
  readonly seeds: Seeds;
  /** Milliseconds. */
  readonly timeout: number;
  readonly exportEnv: boolean;
  readonly cleanup: boolean;
  /** When the agents' logs are collected. */
  readonly logs: LogsWhen;
}

export interface Datacenter {
  readonly name: string;
  /**
   * Name of the primary of the datacenters that it is joined with over WAN: its own, if it is the primary,
   * or if it is joined with none.
   */
  readonly federation: string;
  /** Names of the datacenters whose peering tokens it gets, so that it dials them. */
  readonly dials: readonly string[];
  readonly servers: number;
  readonly clients: number;
  readonly storage: Storage;
  /** Additional configuration of its agents as JSON; may be empty. */
  readonly config: string;
}

/** What one node has of its own, instead of or besides what all agents have. */
export interface NodeSettings {
  /** Where the cluster file has it. */
  readonly place: Place;
  /** Image references to try in this order; empty for the cluster's image. */
  readonly images: readonly string[];
  /** Additional configuration of its agent as JSON; may be empty. */
  readonly config: string;
  /** Its agent's own environment variables. They override those of all agents. */
  readonly env: ReadonlyMap<string, string>;
}

/** Where servers store data. Data in `memory` is lost when the container restarts. */
export type Storage = "memory" | "disk";

/** Which of Consul's security features are on, and what else agents get as secret files. */
export interface Security {
  /** ACLs, if they are on. */
  readonly acl: false | AclSettings;
  readonly gossipEncryption: boolean;
  /** TLS, if it is on. */
  readonly tls: false | TlsSettings;
  /** Text of a license of Consul Enterprise, which agents get as a file. */
  readonly license?: string;
}

export interface AclSettings {
  /** Secret ID of the management token; undefined for a new one. */
  readonly managementToken: string | undefined;
}

interface TlsSettings {
  /** Whether HTTPS asks callers for a certificate. */
  readonly isMutual: boolean;
  /** The CA that signs the certificates; undefined for a new one. */
  readonly ca: CertificateAuthority | undefined;
}

/** A CA of the user's, in PEM. */
export interface CertificateAuthority {
  /** Its certificate, and after it all others that agents are to trust, such as its root's. */
  readonly certificates: string;
  /** From its own certificate to the last below the root; empty if it is a root itself. */
  readonly intermediates: string;
  readonly key: string;
  readonly keyType: "ec" | "rsa";
}

export const portNames = ["http", "dns", "grpc"] as const;
export type PortName = (typeof portNames)[number];

/** What a port is if its input is empty: Consul's own number, or any free one. */
export const portDefaults = ["fixed", "auto"] as const;
export type PortDefaults = (typeof portDefaults)[number];

export const logLevels = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

export const logsWhen = ["failure", "always", "never"] as const;
type LogsWhen = (typeof logsWhen)[number];
