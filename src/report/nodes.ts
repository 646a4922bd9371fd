import type { FoundAgent, NodeState } from "../find/existing-cluster.ts";

/** One object of the output `nodes`. */
export interface Node {
  readonly name: string;
  readonly role: string;
  readonly datacenter: string;
  readonly container: string;
  readonly ip: string;
  /** URL of the node's own HTTP API. */
  readonly http: string;
}

/** An agent as an object of the output `nodes`: what the cluster action reports, and its state. */
export function foundNode(agent: FoundAgent): Node & { readonly state: NodeState } {
  const { node, role, datacenter, container, ip, http, state } = agent;
  return { name: node, role, datacenter, container, ip, http, state };
}
