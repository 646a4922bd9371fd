import { type FoundAgent, type FoundCluster, isUp } from "../find/existing-cluster.ts";
import { datacentersOf, type FoundDatacenter } from "../find/raft.ts";
import { type Before, type Effect, effectOf } from "./effect.ts";
import { namesOf } from "./effect-gates.ts";
import type { Fault, FaultSpec, NodeAction } from "./fault-inputs.ts";
import { partitionEffect } from "./partition-effect.ts";
import { resolveSides, type Side, sidesText } from "./sides.ts";
import type { FaultStep } from "./step.ts";
import { namedAgents, refusePartitioned, resolveTarget, targetDatacenters } from "./target.ts";

/** What a fault acts on right now, and what that leads to. */
export interface Aim extends Pick<FaultStep, "hit" | "sides"> {
  readonly effect: Effect;
  /** For the log: the nodes, or the sides of a partition. */
  readonly title: string;
  /** Name of the datacenter that the outputs describe. Of several it is the first, the primary one. */
  readonly datacenter: string;
}

/** @throws InputError if the cluster has not what the inputs name, or not in the state that it takes */
export async function aimOf(
  { fault, datacenter }: Pick<FaultSpec, "fault" | "datacenter">,
  cluster: FoundCluster,
): Promise<Aim> {
  const datacenters = await datacentersOf(cluster);
  return fault.action === "partition"
    ? aimOfPartition(fault, datacenter, cluster, datacenters)
    : aimAtNodes(fault, datacenter, cluster, datacenters);
}

function aimOfPartition(
  { action, groups }: Extract<Fault, { action: "partition" }>,
  datacenter: string,
  { agents }: FoundCluster,
  datacenters: readonly FoundDatacenter[],
): Aim {
  refusePartitioned(action, agents, []);
  const sides = resolveSides(groups, datacenter, datacenters);
  const isOn = (side: Side, { name }: FoundDatacenter) =>
    side.some((agent) => isUp(agent) && agent.datacenter === name);
  const split = datacenters.find((each) => sides.filter((side) => isOn(side, each)).length > 1);
  return {
    hit: sides.flat().filter(isUp),
    sides,
    effect: partitionEffect(sides, { datacenters }),
    title: `${action} ${sidesText(sides)}`,
    datacenter: datacenter || ((split ?? datacenters[0])?.name ?? ""),
  };
}

function aimAtNodes(
  { action, target }: Exclude<Fault, { action: "partition" }>,
  datacenter: string,
  { agents, addresses }: FoundCluster,
  datacenters: readonly FoundDatacenter[],
): Aim {
  const targeted = targetDatacenters(datacenters, { datacenter, target });
  const hit = resolveTarget({ action, target }, targeted);
  refusePartitioned(action, agents, hit);
  return aimAt(action, hit, { datacenters, addresses }, targeted[0]?.name ?? "");
}

/**
 * What undoes a fault.
 *
 * @param action - that undoes it
 * @param hit - the nodes that the fault affected, as they were before
 * @param cluster - as it is now
 * @param datacenter - name of the one that the outputs describe
 * @throws InputError if a node is no longer in the state in which the fault left it
 */
export async function aimOfUndo(
  action: NodeAction,
  hit: readonly FoundAgent[],
  cluster: FoundCluster,
  datacenter: string,
): Promise<Aim> {
  const datacenters = await datacentersOf(cluster);
  const again = namedAgents(action, namesOf(hit), cluster.agents);
  return aimAt(action, again, { datacenters, addresses: cluster.addresses }, datacenter);
}

const aimAt = (
  action: NodeAction,
  hit: readonly FoundAgent[],
  before: Before,
  datacenter: string,
): Aim => ({
  hit,
  sides: [],
  effect: effectOf(action, hit, before),
  title: `${action} ${namesOf(hit).join(", ")}`,
  datacenter,
});
