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
    const prefix = datacenters.length > 1 ? `${name}-` : "";
    const numbered = (role: Role, length: number) =>
      Array.from({ length }, (_, index): NodeShape => {
        return { node: `${prefix}${role}-${index + 1}`, role, datacenter: name };
      });
    return [...numbered("server", servers), ...numbered("client", clients)];
  });
}
