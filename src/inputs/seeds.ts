import type { Scope } from "../consul/scope.ts";
import type { SnapshotFacts } from "../consul/snapshot.ts";
import type { Place } from "../errors.ts";

/** An object in the format of Consul's API, which Consul validates. */
export type Definition = Readonly<Record<string, unknown>>;

/** One object that the file declares, and its place. */
export interface Declared {
  /** For messages: `services[0] (web)`. */
  readonly name: string;
  readonly place: Place;
  readonly value: Definition;
}

export interface DeclaredEntry extends Declared {
  /** The primary datacenter that it is for, if the file names one. Undefined for all of them. */
  readonly datacenter: string | undefined;
}

/** A peering of two datacenters. Each knows the other by the name of its datacenter. */
export interface DeclaredPeering {
  /** For messages: `peerings[0] (east and west)`. */
  readonly name: string;
  readonly place: Place;
  /** The datacenter that generates the token. */
  readonly acceptor: string;
  /** The datacenter that gets the token, and whose servers dial the other's. */
  readonly dialer: string;
}

export interface DeclaredService extends Declared {
  /** The node whose agent registers it, if the file names one. */
  readonly node: string | undefined;
}

export interface DeclaredKey extends Scope {
  readonly name: string;
  readonly place: Place;
  readonly key: string;
  readonly value: Buffer;
  /** Consul's flags of the key, a number of 64 bits, in digits. Undefined if they don't matter. */
  readonly flags?: string;
}

export interface DeclaredGate {
  /** For messages: `feature_gates.consul-ai`. */
  readonly name: string;
  readonly place: Place;
  readonly gate: string;
  readonly isEnabled: boolean;
}

/** The snapshot that a cluster file names. */
export interface DeclaredSnapshot {
  /** For messages. */
  readonly name: string;
  readonly place: Place;
  /** The file as Consul wrote it. */
  readonly content: Buffer;
  readonly facts: SnapshotFacts;
}

/** Everything that a cluster file declares besides agents. */
export interface Seeds {
  /** For every datacenter. */
  readonly featureGates: readonly DeclaredGate[];
  readonly policies: readonly Declared[];
  readonly roles: readonly Declared[];
  readonly authMethods: readonly Declared[];
  readonly bindingRules: readonly Declared[];
  readonly tokens: readonly Declared[];
  readonly configEntries: readonly DeclaredEntry[];
  readonly services: readonly DeclaredService[];
  /** Nodes, services, and checks for the catalog that no agent registers. */
  readonly catalog: readonly Declared[];
  readonly preparedQueries: readonly Declared[];
  readonly kv: readonly DeclaredKey[];
  readonly peerings: readonly DeclaredPeering[];
}

export const noSeeds: Seeds = {
  featureGates: [],
  policies: [],
  roles: [],
  authMethods: [],
  bindingRules: [],
  tokens: [],
  configEntries: [],
  services: [],
  catalog: [],
  preparedQueries: [],
  kv: [],
  peerings: [],
};

/** Agent configuration in a cluster file as JSON; empty if there is none. */
export const fragmentOf = (config: Definition | undefined) =>
  config ? JSON.stringify(config) : "";

/** The normal form of a key: Consul reads `AccessorID`, `accessor_id`, and `accessorid` alike. */
export const sameKey = (key: string) => key.toLowerCase().replaceAll("_", "");

/** The value of a key, in whichever of the spellings that Consul accepts. */
export function field(definition: Definition, key: string): unknown {
  return Object.entries(definition).find(([each]) => sameKey(each) === sameKey(key))?.[1];
}

/** Where a declared object is. `default` is the same as nothing. */
export function scopeOf(definition: Definition): Scope {
  const nameIn = (key: string) => {
    const name = field(definition, key);
    return typeof name === "string" && name !== "" && name !== "default" ? name : undefined;
  };
  const [partition, namespace] = [nameIn("Partition"), nameIn("Namespace")];
  return { ...(partition && { partition }), ...(namespace && { namespace }) };
}
