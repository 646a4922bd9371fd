import type { Docker } from "../docker/docker.ts";
import type { FoundAgent, FoundCluster } from "../find/existing-cluster.ts";

/** One step of the action `fault`, with its target resolved. */
export interface FaultStep {
  readonly docker: Docker;
  /** The same CLI for cleaning up: a cancellation of the step leaves its commands some time. */
  readonly cleanup: Docker;
  /** An image with programs that the cluster's image lacks; empty for none. */
  readonly toolsImage: string;
  /** Milliseconds that each wait may take. */
  readonly timeout: number;
  /** Aborts when the step is canceled. */
  readonly canceled: AbortSignal;
  readonly cluster: FoundCluster;
  /** The affected agents. */
  readonly hit: readonly FoundAgent[];
}

/** Whether an agent is among these. Agents are compared by name, since their state changes. */
export const includes = (agents: readonly FoundAgent[], { node }: FoundAgent) =>
  agents.some((each) => each.node === node);
