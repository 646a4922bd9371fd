import { isDeepStrictEqual } from "node:util";
import { type Definition, field, sameKey } from "../inputs/seeds.ts";

export function textField(object: Definition, key: string): string {
  const value = field(object, key);
  return typeof value === "string" ? value : "";
}

export const isObject = (value: unknown): value is Definition =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Whether an existing object has everything that is declared. Keys are compared the way Consul reads
 * them; fields that Consul adds do not count.
 */
export function covers(existing: unknown, declared: unknown): boolean {
  if (Array.isArray(declared)) {
    // Consul omits an empty list, or answers null.
    const found = Array.isArray(existing) ? existing : [];
    const isEqual = (item: unknown, index: number) => covers(found[index], item);
    return found.length === declared.length && declared.every(isEqual);
  }
  if (!isObject(declared)) return isDeepStrictEqual(existing, declared);
  if (!isObject(existing)) return false;
  const found = new Map(Object.entries(existing).map(([key, value]) => [sameKey(key), value]));
  return Object.entries(declared).every(([key, value]) => covers(found.get(sameKey(key)), value));
}
