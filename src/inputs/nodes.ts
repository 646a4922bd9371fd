import type { Role } from "./cluster-spec.ts";

/** What the names of a datacenter's nodes depend on. */
export interface Shape {
  readonly name: string;
  readonly servers: number;
  readonly clients: number;
}

/** A node of a cluster, before anything is started. */
export interface NodeShape {
  readonly node: string;
  readonly role: Role;
  readonly datacenter: string;
}

/**
 * All nodes of a cluster in the order of its datacenters, servers before clients. With several
 * datacenters, a node's name starts with its datacenter's.
 */
export function nodesOf(datacenters: readonly Shape[]): NodeShape[] {
  return datacenters.flatMap(({ name, servers, clients }) => {
    const isOneOfSeveral = datacenters.length > 1;
    const numbered = (role: Role, length: number) =>
      Array.from({ length }, (_, index) =>
        nodeNumbered(index + 1, { role, datacenter: name, isOneOfSeveral }),
      );
    return [...numbered("server", servers), ...numbered("client", clients)];
  });
}

/** What the name of a node says, besides its number. */
interface Kind {
  readonly role: Role;
  readonly datacenter: string;
  readonly isOneOfSeveral: boolean;
}

/** The node of a kind with this number, from 1. */
export function nodeNumbered(
  number: number,
  { role, datacenter, isOneOfSeveral }: Kind,
): NodeShape {
  const prefix = isOneOfSeveral ? `${datacenter}-` : "";
  return { node: `${prefix}${role}-${number}`, role, datacenter };
}
