import { isOlder, isSameVersion } from "../consul/version-number.ts";
import type { Docker } from "../docker/docker.ts";
import type { FoundAgent, FoundCluster } from "../find/existing-cluster.ts";
import type { UpgradeHistory } from "./history.ts";
import type { UpgradeSpec } from "./upgrade-inputs.ts";

/** One step of the action `upgrade`, before its target is known. */
export interface UpgradeStep {
  readonly docker: Docker;
  readonly spec: UpgradeSpec;
  readonly cluster: FoundCluster;
  /** Where what happens is recorded. */
  readonly history: UpgradeHistory;
  /** Aborts when the step is canceled. */
  readonly signal: AbortSignal;
}

/** What to upgrade to. */
export interface UpgradeTarget {
  /** An image reference; the engine has the image. */
  readonly image: string;
  /** The engine's ID of the image. */
  readonly id: string;
  /** Version of Consul that the image reports. */
  readonly version: string;
}

/** The first of a datacenter's agents, which answers for the datacenter. */
export function firstOf(agents: readonly FoundAgent[]): FoundAgent {
  const [first] = agents;
  if (!first) throw new Error("a cluster that was found has agents");
  return first;
}

/** What is known of a node before a stop. */
interface Running {
  readonly version: string;
  /** The engine's ID of its image. */
  readonly image: string;
}

/**
 * Whether a stop has anything to do for a node. In a cluster that runs several versions, a node may have
 * the stop's version already, or a newer one that only a later stop exceeds.
 *
 * @param isDowngrade - whether the upgrade is a forced downgrade, which goes through every stop
 */
export function isDue(
  { version, image }: Running,
  target: Pick<UpgradeTarget, "version" | "id">,
  isDowngrade: boolean,
): boolean {
  if (isSameVersion(version, target.version)) return image !== target.id;
  return isDowngrade || !isOlder(target.version, version);
}

/** One rolling upgrade of a step: a version of `via`, or the wanted one. */
export interface Stop {
  readonly target: UpgradeTarget;
  /** What the log and messages call it; empty if it is the step's only one. */
  readonly name: string;
}

/** The rolling upgrades of a step, in their order. */
export function stopsOf(targets: readonly UpgradeTarget[]): Stop[] {
  const count = targets.length;
  return targets.map((target, index) => ({
    target,
    name: count === 1 ? "" : `${target.version}, ${index + 1} of ${count}`,
  }));
}
