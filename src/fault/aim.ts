import { type FoundCluster, isUp } from "../find/existing-cluster.ts";
import { datacentersOf, type FoundDatacenter } from "../find/raft.ts";
import { type Effect, effectOf } from "./effect.ts";
import { namesOf } from "./effect-gates.ts";
import type { Fault, FaultSpec } from "./fault-inputs.ts";
import { partitionEffect } from "./partition-effect.ts";
import { resolveSides, type Side, sidesText } from "./sides.ts";
import type { FaultStep } from "./step.ts";
import { refusePartitioned, resolveTarget, targetDatacenters } from "./target.ts";

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
  return {
    hit,
    sides: [],
    effect: effectOf(action, hit, { datacenters, addresses }),
    title: `${action} ${namesOf(hit).join(", ")}`,
    datacenter: targeted[0]?.name ?? "",
  };
}
