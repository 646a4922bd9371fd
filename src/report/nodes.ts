import type { FoundAgent, NodeState } from "../find/existing-cluster.ts";
import { addressOf } from "../plan/plan.ts";

/** One object of the output `nodes`. */
export interface Node {
  readonly name: string;
  readonly role: string;
  readonly datacenter: string;
  readonly container: string;
  readonly ip: string;
  /** URL of the node's own HTTP API. */
  readonly http: string;
  /** `host:port` of its DNS, over TCP and UDP. */
  readonly dns: string;
  /** `host:port` of its gRPC. */
  readonly grpc: string;
  /** Docker context of its engine, if the cluster has several. */
  readonly engine?: string;
}

/** An agent as an object of the output `nodes`: what the cluster action reports, and its state. */
export function foundNode(agent: FoundAgent): Node & { readonly state: NodeState } {
  const { node, role, datacenter, container, ip, http, state, engine } = agent;
  const [dns, grpc] = [addressOf(agent, "dns"), addressOf(agent, "grpc")];
  return {
    name: node,
    role,
    datacenter,
    container,
    ip,
    http,
    dns,
    grpc,
    ...(engine !== "" && { engine }),
    state,
  };
}
