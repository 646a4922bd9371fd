/** Partitions and namespaces of Consul Enterprise that declared objects are in. */
import type { Consul } from "../consul/consul.ts";
import { type Scope, scopeId } from "../consul/scope.ts";
import type { Seeds } from "../inputs/seeds.ts";
import { scopeOf } from "../inputs/seeds.ts";
import type { Named, Write } from "./progress.ts";

/** A partition or a namespace, and the first object in it. */
interface Wanted {
  readonly declared: Named;
  readonly scope: Scope;
}

/** Creates those that are not there: partitions first, as namespaces are in them. */
export async function seedScopes(
  seeds: Pick<Seeds, "services" | "configEntries" | "kv">,
  consul: Consul,
  write: Write,
): Promise<void> {
  for (const { declared, scope } of scopesIn(seeds))
    if (!(await write(declared, () => consul.ensureScope(scope)))) return;
}

/** Each partition and each namespace once, in the order in which they can be created. */
export function scopesIn({
  services,
  configEntries,
  kv,
}: Pick<Seeds, "services" | "configEntries" | "kv">): Wanted[] {
  const used = [
    ...[...configEntries, ...services].map((declared) => {
      return { declared, scope: scopeOf(declared.value) };
    }),
    ...kv.map((declared) => ({ declared, scope: declared })),
  ];
  const wanted = new Map<string, Wanted>();
  for (const { declared, scope } of used) {
    const { partition, namespace } = scope;
    const whole = partition ? { partition } : {};
    const parts = [...(partition ? [whole] : []), ...(namespace ? [{ ...whole, namespace }] : [])];
    for (const part of parts)
      if (!wanted.has(scopeId(part))) wanted.set(scopeId(part), { declared, scope: part });
  }
  return [...wanted.values()];
}
