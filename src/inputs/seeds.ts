import type { Place } from "../errors.ts";

/** Something in Consul's own words, which Consul judges. */
export type Definition = Readonly<Record<string, unknown>>;

/** One thing that the file declares, and where. */
export interface Declared {
  /** For messages: `services[0] (web)`. */
  readonly name: string;
  readonly place: Place;
  readonly value: Definition;
}

export interface DeclaredService extends Declared {
  /** Whose agent it is registered with, where the file says so. */
  readonly node: string | undefined;
}

export interface DeclaredKey {
  readonly name: string;
  readonly place: Place;
  readonly key: string;
  readonly value: Buffer;
}

/** What a cluster is to hold from its start. */
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

/** `AccessorID`, `accessor_id` and `accessorid` are one key to Consul. */
export const sameKey = (key: string) => key.toLowerCase().replaceAll("_", "");

/** The value that Consul would read under this key, however the key is spelt. */
export function field(definition: Definition, key: string): unknown {
  return Object.entries(definition).find(([each]) => sameKey(each) === sameKey(key))?.[1];
}
