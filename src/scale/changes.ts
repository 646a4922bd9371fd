import type { Role } from "../inputs/cluster-spec.ts";
import { type NodeShape, nodeNumbered } from "../inputs/nodes.ts";

/** One node that comes or goes. */
export type Change =
  | { readonly kind: "add"; readonly shape: NodeShape }
  | { readonly kind: "remove"; readonly node: string };

/** How many nodes of each role a datacenter is to have; undefined for as many as it has. */
export type Wanted = Readonly<Record<"servers" | "clients", number | undefined>>;

/** A datacenter as it is. */
export interface Current {
  readonly name: string;
  readonly federation: string;
  readonly isOneOfSeveral: boolean;
  readonly nodes: readonly Pick<NodeShape, "node" | "role">[];
  /** Name of the node that leads it. */
  readonly leader: string;
}

/**
 * What brings a datacenter to the wanted size, in order. Pure.
 *
 * New nodes get the lowest free numbers, and the highest numbers go first; so the first server, whose
 * addresses the job has, always stays. Servers come before clients and go after them. Of servers that
 * go, the leader goes last, so that there is only one election.
 */
export function changesTo(wanted: Wanted, current: Current): Change[] {
  const [servers, clients] = [
    changesOf("server", wanted.servers, current),
    changesOf("client", wanted.clients, current),
  ];
  return [...servers.added, ...clients.added, ...clients.removed, ...servers.removed];
}

function changesOf(role: Role, wanted: number | undefined, current: Current) {
  const { name, federation, isOneOfSeveral, nodes, leader } = current;
  const own = nodes.filter((each) => each.role === role).map(({ node }) => node);
  const missing = Math.max(0, (wanted ?? own.length) - own.length);
  const kind = { role, datacenter: name, federation, isOneOfSeveral };
  const added = Array.from({ length: own.length + missing }, (_, index) =>
    nodeNumbered(index + 1, kind),
  )
    .filter(({ node }) => !own.includes(node))
    .slice(0, missing)
    .map((shape): Change => ({ kind: "add", shape }));
  const removed = own
    .toSorted((a, b) => numberOf(b) - numberOf(a))
    .slice(0, Math.max(0, own.length - (wanted ?? own.length)))
    .toSorted((a, b) => Number(a === leader) - Number(b === leader))
    .map((node): Change => ({ kind: "remove", node }));
  return { added, removed };
}

const numberOf = (node: string) => Number(/\d+$/.exec(node)?.[0] ?? 0);
