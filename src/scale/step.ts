import type { Docker } from "../docker/docker.ts";
import type { FoundAgent, FoundCluster } from "../find/existing-cluster.ts";
import type { AgentPlan } from "../plan/plan.ts";
import type { Change } from "./changes.ts";
import type { ScaleSpec } from "./scale-inputs.ts";

/** A node that a change has begun to add or to remove, and its agent's token, if it has one. */
export interface Unfinished {
  readonly agent: AgentPlan;
  readonly secret: string | undefined;
}

/** One step of the action `scale`. */
export interface ScaleStep {
  readonly docker: Docker;
  /** The same CLI for cleaning up: a cancellation of the step doesn't end its commands. */
  readonly cleanup: Docker;
  readonly spec: ScaleSpec;
  /** Name of the datacenter whose size changes. */
  readonly datacenter: string;
  /** Aborts when the step is canceled. */
  readonly signal: AbortSignal;
  /** The cluster as it is now: replaced after each change. */
  cluster: FoundCluster;
  /** Whether anything may have been changed. */
  hasBegun: boolean;
  /** Set while a change is under way. */
  unfinished: Unfinished | undefined;
  /** The changes that are done. */
  readonly done: Change[];
}

/** The agents of the datacenter whose size changes. */
export const agentsThere = ({ cluster, datacenter }: Pick<ScaleStep, "cluster" | "datacenter">) =>
  cluster.agents.filter((agent) => agent.datacenter === datacenter);

/** The first agent of the datacenter whose ACLs those of the step's datacenter are: the primary, or itself. */
export const firstOfPrimary = (step: Pick<ScaleStep, "cluster" | "datacenter">): FoundAgent => {
  const { federation } = firstOf(agentsThere(step));
  return firstOf(step.cluster.agents.filter((agent) => agent.federation === federation));
};

/** The first of these agents, which is a server. */
export function firstOf(agents: readonly FoundAgent[]): FoundAgent {
  const [first] = agents;
  if (!first) throw new Error("a datacenter that was found has agents");
  return first;
}
