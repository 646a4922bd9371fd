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

export interface DeclaredService extends Declared {
  /** The node whose agent registers it, if the file names one. */
  readonly node: string | undefined;
}

export interface DeclaredKey {
  readonly name: string;
  readonly place: Place;
  readonly key: string;
  readonly value: Buffer;
}

/** Everything that a cluster file declares besides agents. */
export interface Seeds {
  readonly policies: readonly Declared[];
  readonly roles: readonly Declared[];
  readonly tokens: readonly Declared[];
  readonly configEntries: readonly Declared[];
  readonly services: readonly DeclaredService[];
  readonly kv: readonly DeclaredKey[];
}

export const noSeeds: Seeds = {
  policies: [],
  roles: [],
  tokens: [],
  configEntries: [],
  services: [],
  kv: [],
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
