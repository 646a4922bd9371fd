import type { Datacenter, Role } from "./cluster-spec.ts";

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
  /** That of its datacenter: the same for all that are joined over WAN. */
  readonly federation: string;
}

/**
 * All nodes of a cluster in the order of its datacenters, servers before clients. With several
 * datacenters, a node's name starts with its datacenter's.
 */
export function nodesOf(
  datacenters: readonly (Shape & Pick<Datacenter, "federation">)[],
): NodeShape[] {
  return datacenters.flatMap(({ name, federation, servers, clients }) => {
    const isOneOfSeveral = datacenters.length > 1;
    const numbered = (role: Role, length: number) =>
      Array.from({ length }, (_, index) =>
        nodeNumbered(index + 1, { role, datacenter: name, federation, isOneOfSeveral }),
      );
    return [...numbered("server", servers), ...numbered("client", clients)];
  });
}

/** What the name of a node says, besides its number. */
interface Kind extends Pick<NodeShape, "role" | "datacenter" | "federation"> {
  readonly isOneOfSeveral: boolean;
}

/** The node of a kind with this number, from 1. */
export function nodeNumbered(
  number: number,
  { role, datacenter, federation, isOneOfSeveral }: Kind,
): NodeShape {
  const prefix = isOneOfSeveral ? `${datacenter}-` : "";
  return { node: `${prefix}${role}-${number}`, role, datacenter, federation };
}
