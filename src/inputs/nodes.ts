import type { Role } from "./cluster-spec.ts";

/** A datacenter, as far as its nodes' names depend on it. */
export interface Shape {
  readonly name: string;
  readonly servers: number;
  readonly clients: number;
}

/** One node that a cluster is to have. */
export interface NodeShape {
  readonly node: string;
  readonly role: Role;
  readonly datacenter: string;
}

/**
 * Every node of a cluster: the first datacenter's first, in each the servers first. Names begin
 * with the datacenter's where there are several.
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
