/**
 * Where an object is in Consul Enterprise. Without a name it is in `default`, which is all that the
 * community edition has.
 */
export interface Scope {
  readonly partition?: string;
  readonly namespace?: string;
}

/** The query of requests for objects there. */
export const scopeQuery = ({ partition, namespace }: Scope): Readonly<Record<string, string>> => ({
  ...(partition && { partition }),
  ...(namespace && { ns: namespace }),
});

/** The keys of an object there, as Consul's API spells them. */
export const scopeKeys = ({ partition, namespace }: Scope): Readonly<Record<string, string>> => ({
  ...(partition && { Partition: partition }),
  ...(namespace && { Namespace: namespace }),
});

/** A text that no other scope has. */
export const scopeId = ({ partition = "", namespace = "" }: Scope): string =>
  JSON.stringify([partition, namespace]);
