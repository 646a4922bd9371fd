import type { Seeds } from "./seeds.ts";

export type Role = "server" | "client";

/** What is wanted: every input read, checked and turned into a value. */
export interface ClusterSpec {
  /** Image references to try, in this order; the first that exists is used. */
  readonly images: readonly string[];
  /** The first is the primary. */
  readonly datacenters: readonly [Datacenter, ...Datacenter[]];
  /** Ports on the runner's loopback for the first server; 0 means any free port. */
  readonly ports: Readonly<Record<PortName, number>>;
  /** More configuration of every agent, HCL or JSON, as the user wrote it; empty for none. */
  readonly config: string;
  /** The same of a cluster file, which comes before; each may be empty. */
  readonly fileConfig: Readonly<Record<"all" | Role, string>>;
  readonly env: ReadonlyMap<string, string>;
  /** An existing docker network; empty for a network of the cluster's own. */
  readonly network: string;
  readonly logLevel: LogLevel;
  readonly security: Security;
  /** Whether later steps get the `consul` command. */
  readonly cli: boolean;
  /** What the cluster holds from its start. */
  readonly seeds: Seeds;
  /** Milliseconds. */
  readonly timeout: number;
  readonly exportEnv: boolean;
  readonly cleanup: boolean;
  /** When the agents' logs are gathered. */
  readonly logs: LogsWhen;
}

export interface Datacenter {
  readonly name: string;
  readonly servers: number;
  readonly clients: number;
  readonly storage: Storage;
  /** More configuration of its agents, as JSON; empty for none. */
  readonly config: string;
}

/** Where servers keep what they are told: `memory` is gone with the container's restart. */
export type Storage = "memory" | "disk";

/** Which of Consul's three protections are on. */
export interface Security {
  readonly acl: boolean;
  readonly gossipEncryption: boolean;
  readonly tls: boolean;
}

export const portNames = ["http", "dns", "grpc"] as const;
export type PortName = (typeof portNames)[number];

export const logLevels = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

export const logsWhen = ["failure", "always", "never"] as const;
export type LogsWhen = (typeof logsWhen)[number];
