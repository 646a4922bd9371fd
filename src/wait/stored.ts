/** Conditions on what the servers store: keys, and configuration entries. */
import type { Consul } from "../consul/consul.ts";
import { ConsulError } from "../consul/http.ts";
import { firstVersion } from "../consul/versions.ts";
import { InputError } from "../errors.ts";
import { entryKinds } from "../inputs/version-needs.ts";
import { nearest, shown } from "../inputs/wording.ts";
import { type Condition, notThere, type Sight } from "./condition.ts";
import type { WantedEntry, WantedKey } from "./wait-inputs.ts";

export const keyCondition = (wanted: WantedKey): Condition => {
  const { key, value } = wanted;
  return {
    subject: `key ${key}`,
    name: value === undefined ? `key ${key} is set` : `key ${key} is ${shown(value)}`,
    look: async (consul, mode) => sightOfKey(wanted, await consul.kv.find(key, mode)),
    instead: async (consul) => {
      const found = await consul.kv.find(key, "stale");
      if (found === undefined) return [notThere("key", key, await consul.kv.keys())];
      return sightOfKey(wanted, found).holds ? [] : [`its value is ${shown(found.toString())}`];
    },
  };
};

/**
 * White space around a value does not count: inputs come without it, and many programs write a line
 * feed at the end. Pure.
 *
 * @param found - undefined if the key is not set
 */
export function sightOfKey({ value }: WantedKey, found: Buffer | undefined): Sight {
  if (found === undefined) return { holds: false, seen: "not set" };
  const text = found.toString();
  if (value === undefined) return { holds: true, seen: "set", value: text };
  return text.trim() === value.trim()
    ? { holds: true, seen: "as wanted", value: text }
    : { holds: false, seen: "another value" };
}

export const entryCondition = ({ kind, name }: WantedEntry): Condition => ({
  subject: `config entry ${kind}/${name}`,
  name: `configuration entry ${kind}/${name} exists`,
  look: async (consul, mode) => {
    const found = await ofKnownKind(kind, () => consul.configEntry(kind, name, mode));
    return found ? { holds: true, seen: "there" } : { holds: false, seen: "not there" };
  },
  instead: (consul) => insteadOfEntry(consul, kind, name),
});

async function insteadOfEntry(consul: Consul, kind: string, name: string): Promise<string[]> {
  if (await consul.configEntry(kind, name, "stale")) return [];
  return [notThere(`${kind} entry`, name, await consul.configEntryNames(kind))];
}

/**
 * @throws InputError if this version of Consul does not know the kind: no wait would help
 */
async function ofKnownKind<T>(kind: string, question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    // In every version (`makeConfigEntry` in agent/structs/config_entry.go), with status 500.
    const isUnknown =
      error instanceof ConsulError && /invalid config entry kind/.test(error.message);
    throw isUnknown ? unknownKind(kind) : error;
  }
}

function unknownKind(kind: string): InputError {
  const difference = entryKinds.get(kind);
  const near = nearest(kind, [...entryKinds.keys()]);
  const hint = difference
    ? `It came with Consul ${firstVersion(difference)}.`
    : near === undefined
      ? `Kinds are ${[...entryKinds.keys()].join(", ")}.`
      : `Did you mean \`${near}\`?`;
  const message = `Input \`config-entry\` names the kind "${kind}", which this cluster's Consul does not know. ${hint}`;
  return new InputError([{ input: "config-entry", message }]);
}
